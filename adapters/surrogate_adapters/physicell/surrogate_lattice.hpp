// The host's lattice: its coefficients, its Dirichlet nodes, and the densities of our substrates; see
// surrogate_backend.hpp.
#ifndef SURROGATE_LATTICE_HPP
#define SURROGATE_LATTICE_HPP

#include <cstddef>
#include <cstdint>
#include <vector>

#include "surrogate_host.hpp"

namespace surrogate {

/// Loops over fewer voxels, or agents, are done by one thread: on busy cores threads wait for one another for longer
/// than such a loop takes.
constexpr std::ptrdiff_t kFew = 50000, kFewAgents = 10000;

/// The Dirichlet nodes as they were when last looked at.
struct Nodes {
    std::vector<std::int64_t> all;   ///< voxels that are a node for whichever substrate
    std::vector<std::uint8_t> fixed; ///< (substrates, voxels) 1 where a node is active
    std::vector<double> value;       ///< (substrates, voxels) its value, 0 elsewhere

    /// Look again; which of the substrates are held otherwise than before. Without `which` the same voxels are taken to
    /// be nodes as before, which saves a look at all of them.
    template <class Microenvironment>
    std::vector<bool> read(Microenvironment& host, const std::vector<int>& substrates, bool which = true) {
        const std::ptrdiff_t voxels = static_cast<std::ptrdiff_t>(host.mesh.voxels.size());
        const std::size_t owned = substrates.size();
        fixed.resize(owned * voxels, 0);
        value.resize(owned * voxels, 0.0);
        std::vector<bool> changed(owned, false);
        const auto hold = [&](std::size_t s, std::int64_t n, bool on, double held) {
            std::uint8_t& was_on = fixed[s * voxels + n];
            double& was = value[s * voxels + n];
            if (was_on == on && (was == held || (was != was && held != held))) return;
            was_on = on;
            was = held;
            changed[s] = true;
        };
        if (which && !known(host, voxels)) {
            for (const auto n : all) {
                if (is_node_[n]) continue;
                for (std::size_t s = 0; s < owned; s++) hold(s, n, false, 0.0);
            }
            all.clear();
            for (std::ptrdiff_t n = 0; n < voxels; n++) {
                if (is_node_[n]) all.push_back(n);
            }
        }
        show_dirichlet_values(host);
        for (std::size_t s = 0; s < owned; s++) {
            for (const auto n : all) {
                const int voxel = static_cast<int>(n);
                const bool on = host.get_substrate_dirichlet_activation(substrates[s], voxel);
                hold(s, n, on, on ? dirichlet_value(host, substrates[s], voxel) : 0.0);
            }
        }
        return changed;
    }

private:
    /// Whether the same voxels are nodes as before; `is_node_` is brought up to date.
    template <class Microenvironment>
    bool known(Microenvironment& host, std::ptrdiff_t voxels) {
        is_node_.resize(voxels, 0);
        int others = 0;
#pragma omp parallel for reduction(+ : others) if (voxels > kFew)
        for (std::ptrdiff_t n = 0; n < voxels; n++) {
            const std::uint8_t now = host.mesh.voxels[n].is_Dirichlet;
            others += now != is_node_[n];
            is_node_[n] = now;
        }
        return others == 0;
    }

    std::vector<std::uint8_t> is_node_;
};

template <class Microenvironment>
void read_coefficients(Microenvironment& host, const std::vector<int>& substrates, std::vector<double>& coefficients) {
    coefficients.clear();
    for (const int s : substrates) {
        coefficients.push_back(host.diffusion_coefficients[s]);
        coefficients.push_back(host.decay_rates[s]);
    }
}

/// The densities of our substrates, which nobody but us should change.
template <class Microenvironment>
class Densities {
public:
    Densities(Microenvironment& host, const std::vector<int>& substrates) : host_(host), substrates_(substrates) {}

    /// The voxels where a substrate is not what was left there; values that nodes have now do not count.
    void written(std::size_t s, const std::vector<double>& left, const Nodes& nodes, std::vector<std::int64_t>& found) {
        found.clear();
        const int index = substrates_[s];
        if (!differs(left.data(), index)) return;
        const std::ptrdiff_t voxels = static_cast<std::ptrdiff_t>(left.size());
        const std::vector<double>* density = first();
        for (std::ptrdiff_t n = 0; n < voxels; n++) {
            const double now = density[n][index];
            const bool held = nodes.fixed[s * voxels + n] && now == nodes.value[s * voxels + n];
            if (now != left[n] && !held) found.push_back(n);
        }
    }

    void write(const std::vector<std::vector<double>>& fields) {
        const std::ptrdiff_t voxels = static_cast<std::ptrdiff_t>(host_.mesh.voxels.size());
        std::vector<double>* density = first();
#pragma omp parallel for if (voxels > kFew)
        for (std::ptrdiff_t n = 0; n < voxels; n++) {
            for (std::size_t s = 0; s < substrates_.size(); s++) density[n][substrates_[s]] = fields[s][n];
        }
    }

    void write(std::size_t s, const std::vector<double>& field, const std::vector<std::int64_t>& voxels) {
        std::vector<double>* density = first();
        for (const auto n : voxels) density[n][substrates_[s]] = field[n];
    }

    double at(std::size_t s, std::int64_t n) { return first()[n][substrates_[s]]; }

    /// What there is of a substrate.
    void read(std::size_t s, std::vector<double>& field) {
        const std::vector<double>* density = first();
        field.resize(host_.mesh.voxels.size());
        for (std::size_t n = 0; n < field.size(); n++) field[n] = density[n][substrates_[s]];
    }

    /// Whether a substrate is there at all.
    bool any(std::size_t s) {
        const std::ptrdiff_t voxels = static_cast<std::ptrdiff_t>(host_.mesh.voxels.size());
        const std::vector<double>* density = first();
        for (std::ptrdiff_t n = 0; n < voxels; n++) {
            if (density[n][substrates_[s]] != 0.0) return true;
        }
        return false;
    }

private:
    bool differs(const double* field, int index) {
        const std::ptrdiff_t voxels = static_cast<std::ptrdiff_t>(host_.mesh.voxels.size());
        const std::vector<double>* density = first();
        long others = 0;
#pragma omp parallel for reduction(+ : others) if (voxels > kFew)
        for (std::ptrdiff_t n = 0; n < voxels; n++) others += density[n][index] != field[n];
        return others > 0;
    }

    // The host keeps its density vectors one after the other, which saves a call for each.
    std::vector<double>* first() { return &host_.density_vector(0); }

    Microenvironment& host_;
    std::vector<int> substrates_;
};

} // namespace surrogate

#endif
