// A small simulator of our own with the names and the order of steps that the headers rely on in PhysiCell: densities
// as vectors of vectors behind a solver pointer, gradients that are reckoned with what that solver's first call sets,
// agents that take up and secrete after each solver call, by constants that are renewed when an agent's volume is set
// and not when its rates change.
#pragma once

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace surrogate {
template <class Microenvironment>
struct Host;
}

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
    long solver_calls = 0; // of its own solver

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

    // Differences of all substrates in all voxels; x and y by substrate.
    void compute_all_gradient_vectors();
    std::vector<std::vector<double>>& gradient_vector(int n);

private:
    friend void split_solver(Microenvironment&, double);
    void compute_gradient_vector(int n);

    std::vector<std::vector<double>> density_, dirichlet_value_;
    std::vector<std::vector<bool>> dirichlet_activation_;
    std::vector<std::vector<std::vector<double>>> gradient_;
    std::vector<bool> gradient_known_;
    // What the solver's first call keeps for all that follow: steps between neighbours, and constants by substrate.
    bool is_set_up_ = false;
    int i_jump_ = 0, j_jump_ = 0;
    std::vector<double> link_;
    std::vector<std::vector<double>> x_pivot_, x_factor_, y_pivot_, y_factor_; // by place along the line
};

// What a microenvironment starts with: one implicit step along the rows, one along the columns, of all substrates.
void split_solver(Microenvironment& m, double dt);

struct Secretion {
    std::vector<double> uptake_rates, secretion_rates, saturation_densities, net_export_rates;
};

struct Phenotype {
    Secretion secretion;
    struct {
        double total = 0.0;
    } volume;
};

class BasicAgent {
public:
    std::vector<double> position;
    bool is_active = true;
    std::vector<double>* secretion_rates = nullptr; // bound to the phenotype's when the agent first secretes
    std::vector<double> internalized_substrates, fraction_released_at_death;

    explicit BasicAgent(std::size_t substrates);
    double get_total_volume() const { return volume_; }
    int get_current_voxel_index() const { return current_voxel_index_; }
    // Lets the voxel have back what was taken up, as dying agents do.
    void release(Microenvironment& m);

protected:
    double volume_ = 1.0;
    bool volume_is_changed_ = false;
    int current_voxel_index_ = -1;
    std::vector<double> gain_, loss_, amount_, exported_; // rho <- (rho + gain) / loss + exported
};

class Agent : public BasicAgent {
public:
    Phenotype phenotype;
    bool is_out_of_domain = false;
    int type = 0;                          // of "stroma", "wall" and "cyst"
    std::map<std::string, double> custom_data;
    int climbs = -1;                       // the substrate it moves along, if any
    std::vector<double> seen;              // the densities that the last phenotype or mechanics step found
    std::vector<std::vector<double>> felt; // the gradients that the mechanics step found, by substrate

    explicit Agent(std::size_t substrates);
    double& get_total_volume(); // hides the other one, and scolds
    void move(const Mesh& mesh, double x, double y);
    void set_total_volume(double volume);
    void set_internal_uptake_constants(const Microenvironment& m, double dt);
    void advance_secretion(Microenvironment& m, double dt);

private:
    friend struct surrogate::Host<Microenvironment>;
    void bind(const Microenvironment& m, double dt);
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

template <>
struct Host<stand_in::Microenvironment> {
    using Here = stand_in::Microenvironment;
    using Agent = stand_in::Agent;
    static std::vector<Agent*>* agents(Here& m) { return &m.agent_container->all_agents; }
    static double minutes(Here& m) { return m.agent_container->minutes; }
    static double phenotype_dt(Here& m) { return m.agent_container->phenotype_dt; }
    static double mechanics_dt(Here& m) { return m.agent_container->mechanics_dt; }
    static double volume(Agent& agent) { return agent.stand_in::BasicAgent::get_total_volume(); }
    static void settle(Here& m, Agent& agent, double dt) {
        if (agent.secretion_rates != &agent.phenotype.secretion.secretion_rates) agent.bind(m, dt);
        else if (agent.volume_is_changed_) agent.set_internal_uptake_constants(m, dt);
    }
    static std::array<std::vector<double>*, 4> exchange(Agent& agent) {
        return {&agent.gain_, &agent.loss_, &agent.amount_, &agent.exported_};
    }
    static void renew(Here& m, Agent& agent, double dt) { agent.set_internal_uptake_constants(m, dt); }
    static void roles(Here& m, std::vector<std::uint8_t>& roles) {
        for (const Agent* agent : m.agent_container->all_agents) {
            const auto& rates = agent->phenotype.secretion;
            for (std::size_t s = 0; s < roles.size(); s++) {
                const double given = rates.secretion_rates[s] * rates.saturation_densities[s];
                if (given > 0.0 || rates.net_export_rates[s] > 0.0) roles[s] |= 2;
                if (rates.uptake_rates[s] + rates.secretion_rates[s] > 0.0) roles[s] |= 4;
                if (agent->climbs == static_cast<int>(s)) roles[s] |= 1;
            }
        }
    }
    static int kind(Agent& agent) { return agent.type; }
    static std::vector<std::pair<int, std::string>> kinds(Here&) { return {{0, "stroma"}, {1, "wall"}, {2, "cyst"}}; }
    static double variable(Agent& agent, const std::string& name) {
        const auto found = agent.custom_data.find(name);
        return found == agent.custom_data.end() ? std::numeric_limits<double>::quiet_NaN() : found->second;
    }
    static bool splits(void (*solver)(Here&, double)) { return solver == &stand_in::split_solver; }
};

} // namespace surrogate
