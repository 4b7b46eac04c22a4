#include "stand_in.hpp"

#include <iostream>

namespace stand_in {

Microenvironment::Microenvironment(const int nodes[3], const double spacing[3], const double corner[2])
    : agent_container(new Container), diffusion_decay_solver(split_solver) {
    mesh.dx = spacing[0];
    mesh.dy = spacing[1];
    mesh.dz = spacing[2];
    const double start[3] = {corner[0], corner[1], -0.5 * nodes[2] * spacing[2]};
    std::vector<double>* coordinates[3] = {&mesh.x_coordinates, &mesh.y_coordinates, &mesh.z_coordinates};
    mesh.bounding_box.assign(6, 0.0);
    for (int axis = 0; axis < 3; axis++) {
        for (int k = 0; k < nodes[axis]; k++) coordinates[axis]->push_back(start[axis] + (k + 0.5) * spacing[axis]);
        mesh.bounding_box[axis] = start[axis];
        mesh.bounding_box[axis + 3] = start[axis] + nodes[axis] * spacing[axis];
    }
    Voxel voxel;
    voxel.volume = spacing[0] * spacing[1] * spacing[2];
    const std::size_t count = static_cast<std::size_t>(nodes[0]) * nodes[1] * nodes[2];
    mesh.voxels.assign(count, voxel);
    density_.resize(count);
    dirichlet_value_.resize(count);
    dirichlet_activation_.resize(count);
    gradient_.resize(count);
    gradient_known_.resize(count, false);
}

Microenvironment::~Microenvironment() = default;

void Microenvironment::add_density(const std::string& name, double diffusion, double decay, double initial) {
    density_names.push_back(name);
    diffusion_coefficients.push_back(diffusion);
    decay_rates.push_back(decay);
    for (std::size_t n = 0; n < density_.size(); n++) {
        density_[n].push_back(initial);
        dirichlet_value_[n].push_back(1.0);
        dirichlet_activation_[n].push_back(false);
        gradient_[n].push_back({0.0, 0.0});
    }
}

void Microenvironment::add_dirichlet_node(int n, int substrate, double value) {
    mesh.voxels[n].is_Dirichlet = true;
    dirichlet_value_[n][substrate] = value;
    dirichlet_activation_[n][substrate] = true;
}

void Microenvironment::apply_dirichlet_conditions() {
    for (std::size_t n = 0; n < density_.size(); n++) {
        if (!mesh.voxels[n].is_Dirichlet) continue;
        for (std::size_t s = 0; s < density_names.size(); s++) {
            if (dirichlet_activation_[n][s]) density_[n][s] = dirichlet_value_[n][s];
        }
    }
}

namespace {

// The tridiagonal systems along one axis are the same in each line; the last of their constants is not used.
void set_up_lines(std::size_t count, const std::vector<double>& link, const std::vector<double>& sink,
                  std::vector<std::vector<double>>& pivot, std::vector<std::vector<double>>& factor) {
    pivot.assign(count, std::vector<double>(link.size()));
    factor = pivot;
    for (std::size_t k = 0; k < count; k++) {
        for (std::size_t s = 0; s < link.size(); s++) {
            const bool edge = k == 0 || k == count - 1;
            pivot[k][s] = edge ? 1.0 + link[s] + sink[s] : 1.0 + link[s] + link[s] + sink[s];
            if (k > 0) pivot[k][s] += link[s] * factor[k - 1][s];
            factor[k][s] = -link[s] / pivot[k][s];
        }
    }
}

} // namespace

void split_solver(Microenvironment& m, double dt) {
    const int nx = static_cast<int>(m.mesh.x_coordinates.size()), ny = static_cast<int>(m.mesh.y_coordinates.size());
    const std::size_t substrates = m.density_names.size();
    m.solver_calls++;
    if (!m.is_set_up_) {
        m.is_set_up_ = true;
        m.i_jump_ = 1;
        m.j_jump_ = nx;
        std::vector<double> sink(substrates);
        m.link_.resize(substrates);
        for (std::size_t s = 0; s < substrates; s++) {
            m.link_[s] = m.diffusion_coefficients[s] * dt / m.mesh.dx / m.mesh.dx;
            sink[s] = m.decay_rates[s] * dt * 0.5;
        }
        set_up_lines(nx, m.link_, sink, m.x_pivot_, m.x_factor_);
        set_up_lines(ny, m.link_, sink, m.y_pivot_, m.y_factor_);
    }
    const auto along = [&](int start, int jump, int count, const auto& pivot, const auto& factor) {
        for (int k = 0; k < count; k++) {
            std::vector<double>& here = m.density_[start + k * jump];
            for (std::size_t s = 0; s < substrates; s++) {
                if (k > 0) here[s] += m.link_[s] * m.density_[start + (k - 1) * jump][s];
                here[s] /= pivot[k][s];
            }
        }
        for (int k = count - 2; k >= 0; k--) {
            std::vector<double>& here = m.density_[start + k * jump];
            for (std::size_t s = 0; s < substrates; s++) here[s] -= factor[k][s] * m.density_[start + (k + 1) * jump][s];
        }
    };
    m.apply_dirichlet_conditions();
    for (int j = 0; j < ny; j++) along(j * m.j_jump_, m.i_jump_, nx, m.x_pivot_, m.x_factor_);
    m.apply_dirichlet_conditions();
    for (int i = 0; i < nx; i++) along(i * m.i_jump_, m.j_jump_, ny, m.y_pivot_, m.y_factor_);
    m.apply_dirichlet_conditions();
}

void Microenvironment::compute_gradient_vector(int n) {
    const int nx = static_cast<int>(mesh.x_coordinates.size()), ny = static_cast<int>(mesh.y_coordinates.size());
    const int i = n % nx, j = n / nx;
    for (std::size_t s = 0; s < density_names.size(); s++) {
        const auto slope = [&](bool inside, int jump, double h) {
            return inside ? (density_[n + jump][s] - density_[n - jump][s]) / (2.0 * h) : 0.0;
        };
        gradient_[n][s] = {slope(i > 0 && i < nx - 1, i_jump_, mesh.dx), slope(j > 0 && j < ny - 1, j_jump_, mesh.dy)};
    }
    gradient_known_[n] = true;
}

// As the host, which takes one neighbour only on the rim here, and nothing at all in the function of one voxel.
void Microenvironment::compute_all_gradient_vectors() {
    const int nx = static_cast<int>(mesh.x_coordinates.size()), ny = static_cast<int>(mesh.y_coordinates.size());
    for (int n = 0; n < static_cast<int>(density_.size()); n++) {
        const int i = n % nx, j = n / nx;
        for (std::size_t s = 0; s < density_names.size(); s++) {
            const auto slope = [&](int at, int count, int jump, double h) {
                const int after = at < count - 1 ? jump : 0, before = at > 0 ? jump : 0;
                return (density_[n + after][s] - density_[n - before][s]) / (after && before ? 2.0 * h : h);
            };
            gradient_[n][s] = {slope(i, nx, i_jump_, mesh.dx), slope(j, ny, j_jump_, mesh.dy)};
        }
        gradient_known_[n] = true;
    }
}

std::vector<std::vector<double>>& Microenvironment::gradient_vector(int n) {
    if (!gradient_known_[n]) compute_gradient_vector(n);
    return gradient_[n];
}

BasicAgent::BasicAgent(std::size_t substrates)
    : position(3, 0.0), internalized_substrates(substrates, 0.0), fraction_released_at_death(substrates, 0.0),
      gain_(substrates, 0.0), loss_(substrates, 1.0), amount_(substrates, 0.0), exported_(substrates, 0.0) {}

void BasicAgent::release(Microenvironment& m) {
    std::vector<double>& density = m.density_vector(current_voxel_index_);
    for (std::size_t s = 0; s < density.size(); s++) {
        density[s] += fraction_released_at_death[s] * internalized_substrates[s] / m.voxels(current_voxel_index_).volume;
        internalized_substrates[s] = 0.0;
    }
}

Agent::Agent(std::size_t substrates)
    : BasicAgent(substrates), seen(substrates, 0.0), felt(substrates, {0.0, 0.0}) {
    for (auto* rates : {&phenotype.secretion.uptake_rates, &phenotype.secretion.secretion_rates,
                        &phenotype.secretion.saturation_densities, &phenotype.secretion.net_export_rates}) {
        rates->assign(substrates, 0.0);
    }
}

double& Agent::get_total_volume() {
    std::cout << "Do not ask an agent for its total volume: ask its phenotype.\n";
    return phenotype.volume.total;
}

void Agent::move(const Mesh& mesh, double x, double y) {
    position = {x, y, 0.0};
    is_out_of_domain = !mesh.is_position_valid(x, y);
    is_active = !is_out_of_domain;
    current_voxel_index_ = is_out_of_domain ? -1 : mesh.nearest_voxel_index(position);
}

void Agent::set_total_volume(double volume) {
    volume_ = volume;
    phenotype.volume.total = volume;
    volume_is_changed_ = true;
}

void Agent::set_internal_uptake_constants(const Microenvironment& m, double dt) {
    const Secretion& rates = phenotype.secretion;
    const double voxel = m.mesh.voxels[current_voxel_index_].volume, f = dt * volume_ / voxel;
    for (std::size_t s = 0; s < rates.uptake_rates.size(); s++) {
        gain_[s] = f * rates.secretion_rates[s] * rates.saturation_densities[s];
        loss_[s] = 1.0 + f * (rates.secretion_rates[s] + rates.uptake_rates[s]);
        amount_[s] = dt * rates.net_export_rates[s];
        exported_[s] = amount_[s] / voxel;
    }
    volume_is_changed_ = false;
}

void Agent::bind(const Microenvironment& m, double dt) {
    secretion_rates = &phenotype.secretion.secretion_rates;
    volume_ = phenotype.volume.total;
    set_internal_uptake_constants(m, dt);
}

void Agent::advance_secretion(Microenvironment& m, double dt) {
    if (current_voxel_index_ >= 0 && secretion_rates != &phenotype.secretion.secretion_rates) bind(m, dt);
    if (!is_active) return;
    if (volume_is_changed_) set_internal_uptake_constants(m, dt);
    const double voxel = m.mesh.voxels[current_voxel_index_].volume;
    std::vector<double>& density = m.density_vector(current_voxel_index_);
    for (std::size_t s = 0; s < density.size(); s++) {
        internalized_substrates[s] -= voxel * ((1.0 - loss_[s]) * density[s] + gain_[s]) / loss_[s] + amount_[s];
        density[s] = (density[s] + gain_[s]) / loss_[s] + exported_[s];
    }
}

void Container::resize(std::size_t agents, std::size_t substrates) {
    while (owned.size() > agents) owned.pop_back();
    while (owned.size() < agents) owned.push_back(std::make_unique<Agent>(substrates));
    all_agents.clear();
    for (const auto& agent : owned) all_agents.push_back(agent.get());
}

bool Container::due(double period, double& last) const {
    if (initialised_ && minutes - last <= period - 0.5 * diffusion_dt) return false;
    last = minutes;
    return true;
}

void Container::step(Microenvironment& m) {
    m.simulate_diffusion_decay(diffusion_dt);
#pragma omp parallel for
    for (std::ptrdiff_t a = 0; a < static_cast<std::ptrdiff_t>(all_agents.size()); a++) {
        if (!all_agents[a]->is_out_of_domain) all_agents[a]->advance_secretion(m, diffusion_dt);
    }
    if (due(phenotype_dt, last_phenotype_)) {
        for (Agent* agent : all_agents) {
            if (!agent->is_out_of_domain) agent->seen = m.density_vector(agent->get_current_voxel_index());
            agent->set_total_volume(agent->phenotype.volume.total);
        }
    }
    if (due(mechanics_dt, last_mechanics_)) {
        m.compute_all_gradient_vectors();
        for (Agent* agent : all_agents) {
            if (agent->is_out_of_domain) continue;
            agent->seen = m.density_vector(agent->get_current_voxel_index());
            agent->felt = m.gradient_vector(agent->get_current_voxel_index());
        }
    }
    initialised_ = true;
    minutes += diffusion_dt;
}

} // namespace stand_in
