// The stand-in as a program of its own: starts a Python for one tissue, and prints what its agents read at the end.
#include "surrogate_backend.hpp"
//
#include "stand_in.hpp"

#include <omp.h>

#include <iomanip>

int main(int argc, char* argv[]) {
    const std::string settings = argc > 1 ? argv[1] : "surrogate.toml";
    const int nodes[3] = {20, 12, 1};
    const double spacing[3] = {20.0, 20.0, 20.0}, corner[2] = {0.0, 0.0};
    stand_in::Microenvironment microenvironment(nodes, spacing, corner);
    microenvironment.add_density("oxygen", 1e5, 0.1, 10.0);
    for (int j = 0; j < nodes[1]; j++) microenvironment.add_dirichlet_node(j * nodes[0], 0, 38.0);
    auto& container = *microenvironment.agent_container;
    container.resize(6, 1);
    for (int a = 0; a < 6; a++) {
        stand_in::Agent& agent = *container.all_agents[a];
        agent.move(microenvironment.mesh, 100.0 + 40.0 * a, 30.0 + 30.0 * a);
        agent.phenotype.volume.total = 2494.0;
        agent.phenotype.secretion.uptake_rates[0] = 10.0;
    }
    omp_set_num_threads(1); // a number that Python's libraries would not choose
    try {
        surrogate::attach(microenvironment, settings);
        if (PyGILState_Check()) throw surrogate::Error("the interpreter's lock is held while the simulation runs.");
        for (int step = 0; step < 20; step++) container.step(microenvironment);
        if (omp_get_max_threads() != 1) throw surrogate::Error("the simulation was given another number of threads.");
    } catch (const std::exception& error) {
        std::cerr << error.what() << "\n";
        return 1;
    }
    std::cout << std::setprecision(17);
    for (const auto* agent : container.all_agents) std::cout << agent->seen[0] << "\n";
    return 0;
}
