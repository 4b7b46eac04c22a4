// The stand-in with the header on it, for a driver in Python (ctypes): each call returns 0, or 1 and leaves a message.
#include "surrogate_backend.hpp"
//
#include "stand_in.hpp"

#include <omp.h>

using stand_in::Agent;
using stand_in::Microenvironment;

namespace {

std::string message;

template <class Call>
int guarded(Call&& call) {
    try {
        call();
        return 0;
    } catch (const std::exception& error) {
        message = error.what();
        return 1;
    }
}

} // namespace

extern "C" {

const char* last_message() { return message.c_str(); }

Microenvironment* create(const int* nodes, const double* spacing, const double* corner) {
    return new Microenvironment(nodes, spacing, corner);
}

void destroy(Microenvironment* m) { delete m; }

void add_density(Microenvironment* m, const char* name, double diffusion, double decay, double initial) {
    m->add_density(name, diffusion, decay, initial);
}

void set_coefficients(Microenvironment* m, int substrate, double diffusion, double decay) {
    m->diffusion_coefficients[substrate] = diffusion;
    m->decay_rates[substrate] = decay;
}

void set_times(Microenvironment* m, double diffusion_dt, double mechanics_dt, double phenotype_dt) {
    m->agent_container->diffusion_dt = diffusion_dt;
    m->agent_container->mechanics_dt = mechanics_dt;
    m->agent_container->phenotype_dt = phenotype_dt;
}

void add_dirichlet_node(Microenvironment* m, int voxel, int substrate, double value) {
    m->add_dirichlet_node(voxel, substrate, value);
}

void set_activation(Microenvironment* m, int voxel, int substrate, int on) {
    m->set_substrate_dirichlet_activation(substrate, voxel, on != 0);
}

// These are the agents now, the first ones those that were there: x and y, volume, and for each substrate uptake,
// secretion, target and export.
void put_agents(Microenvironment* m, int count, const double* position, const double* volume, const double* rates) {
    const std::size_t substrates = m->density_names.size();
    m->agent_container->resize(count, substrates);
    for (int a = 0; a < count; a++) {
        Agent& agent = *m->agent_container->all_agents[a];
        agent.move(m->mesh, position[2 * a], position[2 * a + 1]);
        for (std::size_t s = 0; s < substrates; s++, rates += 4) {
            agent.phenotype.secretion.uptake_rates[s] = rates[0];
            agent.phenotype.secretion.secretion_rates[s] = rates[1];
            agent.phenotype.secretion.saturation_densities[s] = rates[2];
            agent.phenotype.secretion.net_export_rates[s] = rates[3];
        }
        // One that has not secreted yet knows its volume from its phenotype alone.
        if (agent.secretion_rates != nullptr) agent.set_total_volume(volume[a]);
        agent.phenotype.volume.total = volume[a];
    }
}

// The rates alone, as a rule sets them: the host does not look at them until the agent's volume is set.
void set_rates(Microenvironment* m, const double* rates) {
    for (Agent* agent : m->agent_container->all_agents) {
        auto& secretion = agent->phenotype.secretion;
        for (std::size_t s = 0; s < m->density_names.size(); s++, rates += 4) {
            secretion.uptake_rates[s] = rates[0];
            secretion.secretion_rates[s] = rates[1];
            secretion.saturation_densities[s] = rates[2];
            secretion.net_export_rates[s] = rates[3];
        }
    }
}

// An agent's own idea of its volume, which its uptake does not follow.
void set_phenotype_volume(Microenvironment* m, int a, double volume) {
    m->agent_container->all_agents[a]->phenotype.volume.total = volume;
}

void set_climbs(Microenvironment* m, int a, int substrate) { m->agent_container->all_agents[a]->climbs = substrate; }

void set_kind(Microenvironment* m, int a, int kind) { m->agent_container->all_agents[a]->type = kind; }

void set_variable(Microenvironment* m, int a, const char* name, double value) {
    m->agent_container->all_agents[a]->custom_data[name] = value;
}

// The last agent dies, and gives its voxel back this share of what it has taken up.
void kill_last(Microenvironment* m, double share) {
    Agent& last = *m->agent_container->all_agents.back();
    last.fraction_released_at_death.assign(m->density_names.size(), share);
    last.release(*m);
    m->agent_container->resize(m->agent_container->all_agents.size() - 1, m->density_names.size());
}

void write_density(Microenvironment* m, int substrate, const double* values) {
    for (std::size_t n = 0; n < m->mesh.voxels.size(); n++) m->density_vector(static_cast<int>(n))[substrate] = values[n];
}

void read_gradient(Microenvironment* m, int substrate, double* out) {
    for (const Agent* agent : m->agent_container->all_agents) {
        for (const double slope : agent->felt[substrate]) *out++ = slope;
    }
}

void set_threads(int count) { omp_set_num_threads(count); }

void set_active(Microenvironment* m, int a, int on) { m->agent_container->all_agents[a]->is_active = on != 0; }

int solver_call(Microenvironment* m, double dt) {
    return guarded([&] { m->simulate_diffusion_decay(dt); });
}

int advance(Microenvironment* m, int steps) {
    return guarded([&] {
        for (int step = 0; step < steps; step++) m->agent_container->step(*m);
    });
}

void read_density(Microenvironment* m, int substrate, double* out) {
    for (std::size_t n = 0; n < m->mesh.voxels.size(); n++) out[n] = m->density_vector(static_cast<int>(n))[substrate];
}

void read_seen(Microenvironment* m, int substrate, double* out) {
    for (const Agent* agent : m->agent_container->all_agents) *out++ = agent->seen[substrate];
}

void read_internalised(Microenvironment* m, int substrate, double* out) {
    for (const Agent* agent : m->agent_container->all_agents) *out++ = agent->internalized_substrates[substrate];
}

long solver_calls(Microenvironment* m) { return m->solver_calls; }

int has_own_solver(Microenvironment* m) { return m->diffusion_decay_solver == stand_in::split_solver; }

int attach(Microenvironment* m, const char* settings) {
    return guarded([&] { surrogate::attach(*m, settings); });
}

int detach(Microenvironment* m) {
    return guarded([&] { surrogate::detach(*m); });
}

int read_gradient_bound(Microenvironment* m, int substrate, double* out) {
    return guarded([&] { *out = surrogate::report(*m).substrates.at(substrate).gradient_bound; });
}

int read_report(Microenvironment* m, long* counts, double* seconds, int substrate, double* bound, double* excess,
                long* excess_voxels, const char** method, const char** notices) {
    return guarded([&] {
        const surrogate::Report report = surrogate::report(*m);
        counts[0] = report.solves;
        counts[1] = report.held;
        counts[2] = report.handed_back;
        seconds[0] = report.seconds_solving;
        seconds[1] = report.seconds_around;
        const auto& mine = report.substrates.at(substrate);
        *bound = mine.bound;
        *excess = mine.excess;
        *excess_voxels = mine.excess_voxels;
        static std::string kept;
        kept = mine.method;
        *method = kept.c_str();
        static std::string told;
        told.clear();
        for (const auto& notice : report.notices) {
            told += notice.kind + "|" + notice.substrate + "|" + std::to_string(notice.times) + "\n";
        }
        *notices = told.c_str();
    });
}
}
