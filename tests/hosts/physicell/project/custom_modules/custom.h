// A small tissue: oxygen held at one side, and six cells.
#pragma once

#include "../core/PhysiCell.h"

inline void setup_microenvironment() {
    BioFVM::microenvironment.add_density("oxygen", 1e5, 0.1, 38.0);
    for (int j = 0; j < 12; j++) BioFVM::microenvironment.add_dirichlet_node(20 * j, 0, 38.0);
}

inline void create_cell_types() {}

inline void setup_tissue() {
    auto& container = *BioFVM::microenvironment.agent_container;
    container.resize(6, 1);
    for (int a = 0; a < 6; a++) {
        stand_in::Agent& agent = *container.all_agents[a];
        agent.move(BioFVM::microenvironment.mesh, -90.0 + 40.0 * a, -80.0 + 30.0 * a);
        agent.phenotype.volume.total = 2494.0;
        agent.phenotype.secretion.uptake_rates[0] = 10.0;
    }
}
