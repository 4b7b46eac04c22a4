// How far a field that is held is off, since agents have moved or changed; see surrogate_backend.hpp.
#ifndef SURROGATE_MOTION_HPP
#define SURROGATE_MOTION_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "surrogate_agents.hpp"

namespace surrogate {

/// Where agents exchange otherwise than when the field was solved for.
struct Changes {
    std::vector<std::int64_t> voxels;
    std::vector<double> residual; ///< what the field is wrong by there, density / min
    std::vector<double> loss;     ///< what agents take up there now, 1 / min

    void clear() {
        voxels.clear();
        residual.clear();
        loss.clear();
    }
};

/// Estimates the correction e of a field from its residual r, A e = r with A = -D laplacian + decay + loss, by one
/// Jacobi step on each of a hierarchy of lattices, all added up (Bramble, Pasciak and Xu 1990): r reaches each lattice
/// by its hat functions, is divided by its diagonal, and comes back by the same functions. So two agents that swap
/// voxels leave little, and one that is new leaves its whole far field. The largest |e| comes out 0.5 to 2 times what
/// it is where agents move; where the rates of a whole crowd change, 0.35 times, or as much larger as the loss of the
/// other voxels, which is left out, damps it. The work is that of the voxels where r is not 0.
class Correction {
public:
    Correction(std::ptrdiff_t nx, std::ptrdiff_t ny) : nx_(nx) {
        for (std::ptrdiff_t width = 1; width < 2 * std::max(nx, ny); width *= 2) {
            levels_.push_back({width, (nx - 1) / width + 2, {}});
            levels_.back().nodes.assign(levels_.back().columns * ((ny - 1) / width + 2), 0.0);
        }
    }

    /// The largest |e| where r is not 0, or the first that is more than `enough`; infinite where r is no number. `h` is
    /// the lattice's spacing, um.
    double largest(const Changes& changes, double diffusivity, double decay, double h, double enough) {
        for (const double r : changes.residual) {
            if (!std::isfinite(r)) return std::numeric_limits<double>::infinity();
        }
        for (Level& level : levels_) {
            for (std::size_t k = 0; k < changes.voxels.size(); k++) {
                level.visit(changes.voxels[k] % nx_, changes.voxels[k] / nx_, [&](double& node, double share) {
                    node += share * changes.residual[k];
                });
            }
        }
        double most = 0.0;
        for (std::size_t k = 0; k < changes.voxels.size() && most <= enough; k++) {
            double correction = 0.0;
            for (Level& level : levels_) {
                const double width = h * static_cast<double>(level.width);
                const double sink = decay * width * width + (level.width == 1 ? changes.loss[k] * h * h : 0.0);
                level.visit(changes.voxels[k] % nx_, changes.voxels[k] / nx_, [&](double& node, double share) {
                    correction += share * node * h * h / (4.0 * diffusivity + sink);
                });
            }
            most = std::max(most, std::abs(correction));
        }
        for (Level& level : levels_) {
            for (const auto voxel : changes.voxels) {
                level.visit(voxel % nx_, voxel / nx_, [](double& node, double) { node = 0.0; });
            }
        }
        return most;
    }

private:
    struct Level {
        std::ptrdiff_t width, columns; // in voxels; of nodes
        std::vector<double> nodes;

        template <class Visit>
        void visit(std::ptrdiff_t i, std::ptrdiff_t j, Visit&& visit) {
            const std::ptrdiff_t left = i / width, low = j / width;
            const double x = static_cast<double>(i - left * width) / static_cast<double>(width);
            const double y = static_cast<double>(j - low * width) / static_cast<double>(width);
            double* node = &nodes[low * columns + left];
            visit(node[0], (1.0 - x) * (1.0 - y));
            if (x > 0.0) visit(node[1], x * (1.0 - y));
            if (y > 0.0) visit(node[columns], (1.0 - x) * y);
            if (x > 0.0 && y > 0.0) visit(node[columns + 1], x * y);
        }
    };

    std::ptrdiff_t nx_;
    std::vector<Level> levels_;
};

/// What agents take from each voxel of one substrate and bring to it: loss c - gain, density / min.
class Exchanged {
public:
    explicit Exchanged(std::ptrdiff_t voxels) : loss_(voxels, 0.0), gain_(voxels, 0.0) {}

    void read(const Agents& agents, std::size_t s, double voxel_volume) {
        for (const auto v : touched_) loss_[v] = gain_[v] = 0.0;
        touched_.clear();
        const std::size_t n = agents.voxel.size();
        const double *uptake = agents.rates.data() + 4 * n * s, *secretion = uptake + n;
        const double *target = secretion + n, *exported = target + n;
        for (std::size_t a = 0; a < n; a++) {
            const auto v = agents.voxel[a];
            const double share = agents.volume[a] / voxel_volume, loss = share * (uptake[a] + secretion[a]);
            if (v < 0 || (loss == 0.0 && exported[a] == 0.0)) continue;
            if (loss_[v] == 0.0 && gain_[v] == 0.0) touched_.push_back(v);
            loss_[v] += loss;
            gain_[v] += share * secretion[a] * target[a] + exported[a] / voxel_volume;
        }
    }

    /// Where `now` differs, and the residual that it leaves in a field solved for with this.
    void differences(const Exchanged& now, const std::vector<double>& field, const std::uint8_t* fixed,
                     Changes& changes) const {
        changes.clear();
        const auto take = [&](std::int64_t v) {
            const double loss = now.loss_[v] - loss_[v], gain = now.gain_[v] - gain_[v];
            // Agents that are added up in another order differ by their last digits.
            const bool same = std::abs(loss) <= kRounding * loss_[v] && std::abs(gain) <= kRounding * gain_[v];
            if (same || fixed[v]) return;
            changes.voxels.push_back(v);
            changes.residual.push_back(gain - loss * field[v]);
            changes.loss.push_back(now.loss_[v]);
        };
        for (const auto v : touched_) take(v);
        for (const auto v : now.touched_) {
            if (loss_[v] == 0.0 && gain_[v] == 0.0) take(v);
        }
    }

private:
    static constexpr double kRounding = 1e-12;

    std::vector<double> loss_, gain_;
    std::vector<std::int64_t> touched_;
};

} // namespace surrogate

#endif
