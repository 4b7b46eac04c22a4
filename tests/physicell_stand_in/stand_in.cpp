#include "stand_in.hpp"

namespace stand_in {

Microenvironment::Microenvironment(const int nodes[3], const double spacing[3], const double corner[2])
    : agent_container(new Container), diffusion_decay_solver(explicit_solver) {
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

void explicit_solver(Microenvironment& m, double dt) {
    const int nx = static_cast<int>(m.mesh.x_coordinates.size()), ny = static_cast<int>(m.mesh.y_coordinates.size());
    const double h2 = m.mesh.dx * m.mesh.dx;
    for (std::size_t s = 0; s < m.density_names.size(); s++) {
        const double rate = m.diffusion_coefficients[s] / h2, decay = m.decay_rates[s];
        const int steps = static_cast<int>(std::ceil(dt * (8.0 * rate + decay))) + 1;
        const double tau = dt / steps;
        std::vector<double> last(static_cast<std::size_t>(nx) * ny);
        for (int step = 0; step < steps; step++) {
            m.apply_dirichlet_conditions();
            for (int n = 0; n < nx * ny; n++) last[n] = m.density_vector(n)[s];
            for (int j = 0; j < ny; j++) {
                for (int i = 0; i < nx; i++) {
                    const int n = j * nx + i;
                    double flow = 0.0;
                    if (i > 0) flow += last[n - 1] - last[n];
                    if (i < nx - 1) flow += last[n + 1] - last[n];
                    if (j > 0) flow += last[n - nx] - last[n];
                    if (j < ny - 1) flow += last[n + nx] - last[n];
                    m.density_vector(n)[s] = last[n] + tau * (rate * flow - decay * last[n]);
                }
            }
        }
    }
    m.apply_dirichlet_conditions();
}

Agent::Agent(std::size_t substrates)
    : position(3, 0.0), internalized_substrates(substrates, 0.0), seen(substrates, 0.0) {
    for (auto* rates : {&phenotype.secretion.uptake_rates, &phenotype.secretion.secretion_rates,
                        &phenotype.secretion.saturation_densities, &phenotype.secretion.net_export_rates}) {
        rates->assign(substrates, 0.0);
    }
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
    const std::size_t count = rates.uptake_rates.size();
    gain_.assign(count, 0.0);
    loss_.assign(count, 1.0);
    exported_.assign(count, 0.0);
    const double f = dt * volume_ / m.mesh.voxels[current_voxel_index_].volume;
    for (std::size_t s = 0; s < count; s++) {
        gain_[s] = f * rates.secretion_rates[s] * rates.saturation_densities[s];
        loss_[s] = 1.0 + f * (rates.secretion_rates[s] + rates.uptake_rates[s]);
        exported_[s] = dt * rates.net_export_rates[s];
    }
    volume_is_changed_ = false;
}

void Agent::advance_secretion(Microenvironment& m, double dt) {
    if (secretion_rates != &phenotype.secretion.secretion_rates) {
        secretion_rates = &phenotype.secretion.secretion_rates;
        set_total_volume(phenotype.volume.total);
    }
    if (!is_active) return;
    if (volume_is_changed_) set_internal_uptake_constants(m, dt);
    const double voxel = m.mesh.voxels[current_voxel_index_].volume;
    std::vector<double>& density = m.density_vector(current_voxel_index_);
    for (std::size_t s = 0; s < density.size(); s++) {
        internalized_substrates[s] -= voxel * ((1.0 - loss_[s]) * density[s] + gain_[s]) / loss_[s] + exported_[s];
        density[s] = (density[s] + gain_[s]) / loss_[s] + exported_[s] / voxel;
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
    due(mechanics_dt, last_mechanics_);
    initialised_ = true;
    minutes += diffusion_dt;
}

} // namespace stand_in
