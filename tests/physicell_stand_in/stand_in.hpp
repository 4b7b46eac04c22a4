// A small simulator of our own with the names and the order of steps that surrogate_backend.hpp relies on in PhysiCell:
// densities as vectors of vectors behind a solver pointer, agents that take up and secrete after each solver call,
// rates that reach an agent only when it first secretes, uptake constants that are renewed only when its volume is set.
#pragma once

#include <cmath>
#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace stand_in {

struct Voxel {
    double volume = 0.0;
    bool is_Dirichlet = false;
};

struct Mesh {
    std::vector<double> x_coordinates, y_coordinates, z_coordinates, bounding_box;
    std::vector<Voxel> voxels;
    double dx = 0.0, dy = 0.0, dz = 0.0;

    bool is_position_valid(double x, double y) const {
        return x >= bounding_box[0] && x <= bounding_box[3] && y >= bounding_box[1] && y <= bounding_box[4];
    }
    int nearest_voxel_index(const std::vector<double>& position) const {
        const int i = index(position[0] - bounding_box[0], dx, x_coordinates.size());
        const int j = index(position[1] - bounding_box[1], dy, y_coordinates.size());
        return j * static_cast<int>(x_coordinates.size()) + i;
    }

private:
    static int index(double offset, double step, std::size_t count) {
        const int k = static_cast<int>(std::floor(offset / step));
        return k < static_cast<int>(count) ? k : static_cast<int>(count) - 1;
    }
};

class Container;

class Microenvironment {
public:
    Mesh mesh;
    std::unique_ptr<Container> agent_container;
    std::vector<std::string> density_names;
    std::vector<double> diffusion_coefficients, decay_rates;
    void (*diffusion_decay_solver)(Microenvironment&, double) = nullptr;

    // x and y start at the corner; z is centred on 0.
    Microenvironment(const int nodes[3], const double spacing[3], const double corner[2]);
    ~Microenvironment();

    void add_density(const std::string& name, double diffusion, double decay, double initial);
    std::vector<double>& density_vector(int n) { return density_[n]; }
    Voxel& voxels(int n) { return mesh.voxels[n]; }

    void simulate_diffusion_decay(double dt) { diffusion_decay_solver(*this, dt); }

    void add_dirichlet_node(int n, int substrate, double value);
    bool& is_dirichlet_node(int n) { return mesh.voxels[n].is_Dirichlet; }
    bool get_substrate_dirichlet_activation(int substrate, int n) { return dirichlet_activation_[n][substrate]; }
    void set_substrate_dirichlet_activation(int substrate, int n, bool on) { dirichlet_activation_[n][substrate] = on; }
    double get_substrate_dirichlet_value(int substrate, int n) { return dirichlet_value_[n][substrate]; }
    void apply_dirichlet_conditions();

private:
    std::vector<std::vector<double>> density_, dirichlet_value_;
    std::vector<std::vector<bool>> dirichlet_activation_;
};

// What a microenvironment starts with: explicit steps, as small as they have to be.
void explicit_solver(Microenvironment& m, double dt);

struct Secretion {
    std::vector<double> uptake_rates, secretion_rates, saturation_densities, net_export_rates;
};

struct Phenotype {
    Secretion secretion;
    struct {
        double total = 0.0;
    } volume;
};

class Agent {
public:
    std::vector<double> position;
    Phenotype phenotype;
    bool is_active = true, is_out_of_domain = false;
    std::vector<double>* secretion_rates = nullptr; // bound to the phenotype's when the agent first secretes
    std::vector<double> internalized_substrates;
    std::vector<double> seen; // the densities that the phenotype step found

    explicit Agent(std::size_t substrates);
    void move(const Mesh& mesh, double x, double y);
    void set_total_volume(double volume);
    double get_total_volume() const { return volume_; }
    int get_current_voxel_index() const { return current_voxel_index_; }
    void advance_secretion(Microenvironment& m, double dt);

private:
    void set_internal_uptake_constants(const Microenvironment& m, double dt);

    double volume_ = 1.0;
    bool volume_is_changed_ = false;
    int current_voxel_index_ = -1;
    std::vector<double> gain_, loss_, exported_; // rho <- (rho + gain) / loss + exported / voxel volume
};

class Container {
public:
    double diffusion_dt = 0.01, mechanics_dt = 0.1, phenotype_dt = 6.0, minutes = 0.0;
    std::vector<std::unique_ptr<Agent>> owned;
    std::vector<Agent*> all_agents;

    void resize(std::size_t agents, std::size_t substrates);
    void step(Microenvironment& m); // one diffusion step and all that follows it

private:
    bool due(double period, double& last) const;

    bool initialised_ = false;
    double last_phenotype_ = 0.0, last_mechanics_ = 0.0;
};

} // namespace stand_in

namespace surrogate {

template <class Microenvironment>
struct Host;

template <>
struct Host<stand_in::Microenvironment> {
    using Here = stand_in::Microenvironment;
    static std::vector<stand_in::Agent*>* agents(Here& m) { return &m.agent_container->all_agents; }
    static double minutes(Here& m) { return m.agent_container->minutes; }
    static double phenotype_dt(Here& m) { return m.agent_container->phenotype_dt; }
    static double mechanics_dt(Here& m) { return m.agent_container->mechanics_dt; }
    static std::vector<double>* internalised(Here&, stand_in::Agent& agent) { return &agent.internalized_substrates; }
};

} // namespace surrogate
