// The substrates left to the host, each stepped alone; see surrogate_backend.hpp.
#ifndef SURROGATE_SWEEPS_HPP
#define SURROGATE_SWEEPS_HPP

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "surrogate_lattice.hpp"

namespace surrogate {

/// One implicit step of some substrates as the host's solver of 2-D models makes it of all: the tridiagonal systems of
/// all rows, then those of all columns, decay halved between them, and Dirichlet nodes set before, between and after
/// (locally one-dimensional splitting, by the Thomas algorithm). Its solver works on all substrates of a voxel at once
/// and so cannot leave any out; here each is a lattice of its own, with the same operations in the same order. As in
/// the host, coefficients and step are those of the first call. One that does not diffuse only decays, voxel by voxel.
template <class Microenvironment>
class Sweeps {
public:
    Sweeps(Microenvironment& host, const std::vector<int>& substrates, double dt) : host_(host) {
        nx_ = static_cast<std::ptrdiff_t>(host.mesh.x_coordinates.size());
        ny_ = static_cast<std::ptrdiff_t>(host.mesh.y_coordinates.size());
        density_.resize(nx_ * ny_);
        for (const int s : substrates) substrates_.push_back(factorised(s, dt));
    }

    void step(const Nodes& nodes) {
        for (const Substrate& substrate : substrates_) {
            if (substrate.link == 0.0) decay(substrate);
            else diffuse(substrate, nodes);
            // Voxels that are not linked need no more than the last value.
            for (const auto n : nodes.all) {
                const int voxel = static_cast<int>(n);
                if (!host_.get_substrate_dirichlet_activation(substrate.index, voxel)) continue;
                first()[n][substrate.index] = dirichlet_value(host_, substrate.index, voxel);
            }
        }
    }

    /// Whether the host's solver makes of a rough field the very same, bit by bit, with the constants that it keeps
    /// and the arithmetic it was compiled to; all densities are put back.
    template <class Solver>
    bool agree(Solver solver, double dt, const Nodes& nodes) {
        const std::ptrdiff_t voxels = nx_ * ny_;
        const std::vector<std::vector<double>> before(first(), first() + voxels);
        const auto roughen = [&] {
            for (std::ptrdiff_t n = 0; n < voxels; n++) {
                for (double& density : first()[n]) density = 1.0 + std::fmod(0.618033988749895 * n, 1.0);
            }
        };
        roughen();
        step(nodes);
        const std::vector<std::vector<double>> ours(first(), first() + voxels);
        roughen();
        solver(host_, dt);
        bool same = true;
        for (std::ptrdiff_t n = 0; n < voxels; n++) {
            for (const Substrate& substrate : substrates_) {
                same = same && first()[n][substrate.index] == ours[n][substrate.index];
            }
            first()[n] = before[n];
        }
        return same;
    }

private:
    struct Substrate {
        int index;
        double link, sink; // D dt / h^2, decay dt / 2
        std::vector<double> x_pivot, x_factor, y_pivot, y_factor;
    };

    Substrate factorised(int s, double dt) const {
        // In the order in which the host reckons, so that the last digits are the same.
        const double link = host_.diffusion_coefficients[s] * dt / host_.mesh.dx / host_.mesh.dx;
        Substrate made{s, link, host_.decay_rates[s] * dt * 0.5, {}, {}, {}, {}};
        factorise(nx_, made, made.x_pivot, made.x_factor);
        factorise(ny_, made, made.y_pivot, made.y_factor);
        return made;
    }

    static void factorise(std::ptrdiff_t count, const Substrate& of, std::vector<double>& pivot,
                          std::vector<double>& factor) {
        const double edge = 1.0 + of.link + of.sink, inner = 1.0 + of.link + of.link + of.sink;
        pivot.assign(count, inner);
        factor.assign(count, -of.link);
        pivot.front() = pivot.back() = count == 1 ? 1.0 + of.sink : edge;
        factor[0] /= pivot[0];
        for (std::ptrdiff_t k = 1; k < count; k++) {
            pivot[k] += of.link * factor[k - 1];
            factor[k] /= pivot[k];
        }
    }

    void decay(const Substrate& substrate) {
        const double pivot = 1.0 + substrate.sink;
        std::vector<double>* density = first();
#pragma omp parallel for if (nx_ * ny_ > kFew)
        for (std::ptrdiff_t n = 0; n < nx_ * ny_; n++) density[n][substrate.index] = density[n][substrate.index] / pivot / pivot;
    }

    void diffuse(const Substrate& substrate, const Nodes& nodes) {
        std::vector<double>* density = first();
#pragma omp parallel for if (nx_ * ny_ > kFew)
        for (std::ptrdiff_t n = 0; n < nx_ * ny_; n++) density_[n] = density[n][substrate.index];
        hold(substrate, nodes);
#pragma omp parallel for if (nx_ * ny_ > kFew)
        for (std::ptrdiff_t low = 0; low < ny_; low += kRows) rows(substrate, low, std::min(low + kRows, ny_));
        hold(substrate, nodes);
#pragma omp parallel for if (nx_ * ny_ > kFew)
        for (std::ptrdiff_t left = 0; left < nx_; left += kBlock) {
            columns(substrate, left, std::min(left + kBlock, nx_));
        }
#pragma omp parallel for if (nx_ * ny_ > kFew)
        for (std::ptrdiff_t n = 0; n < nx_ * ny_; n++) density[n][substrate.index] = density_[n];
    }

    /// Rows side by side, so that the divisions of one need not wait for those of another.
    void rows(const Substrate& substrate, std::ptrdiff_t low, std::ptrdiff_t high) {
        const double link = substrate.link;
        for (std::ptrdiff_t j = low; j < high; j++) density_[j * nx_] /= substrate.x_pivot[0];
        for (std::ptrdiff_t i = 1; i < nx_; i++) {
            for (std::ptrdiff_t j = low; j < high; j++) {
                double* at = &density_[j * nx_ + i];
                at[0] += link * at[-1];
                at[0] /= substrate.x_pivot[i];
            }
        }
        for (std::ptrdiff_t i = nx_ - 2; i >= 0; i--) {
            for (std::ptrdiff_t j = low; j < high; j++) {
                double* at = &density_[j * nx_ + i];
                at[0] -= substrate.x_factor[i] * at[1];
            }
        }
    }

    /// Columns side by side, which a processor does several of at once.
    void columns(const Substrate& substrate, std::ptrdiff_t left, std::ptrdiff_t right) {
        const double link = substrate.link;
        for (std::ptrdiff_t i = left; i < right; i++) density_[i] /= substrate.y_pivot[0];
        for (std::ptrdiff_t j = 1; j < ny_; j++) {
            double *row = &density_[j * nx_], *below = row - nx_;
            for (std::ptrdiff_t i = left; i < right; i++) {
                row[i] += link * below[i];
                row[i] /= substrate.y_pivot[j];
            }
        }
        for (std::ptrdiff_t j = ny_ - 2; j >= 0; j--) {
            double *row = &density_[j * nx_], *above = row + nx_;
            for (std::ptrdiff_t i = left; i < right; i++) row[i] -= substrate.y_factor[j] * above[i];
        }
    }

    void hold(const Substrate& substrate, const Nodes& nodes) {
        for (const auto n : nodes.all) {
            const int voxel = static_cast<int>(n);
            if (!host_.get_substrate_dirichlet_activation(substrate.index, voxel)) continue;
            density_[n] = dirichlet_value(host_, substrate.index, voxel);
        }
    }

    std::vector<double>* first() { return &host_.density_vector(0); }

    static constexpr std::ptrdiff_t kRows = 8, kBlock = 64;

    Microenvironment& host_;
    std::ptrdiff_t nx_ = 0, ny_ = 0;
    std::vector<Substrate> substrates_;
    std::vector<double> density_; // of the substrate at work
};

} // namespace surrogate

#endif
