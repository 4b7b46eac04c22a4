// Those of PhysiCell's names that examples/physicell/main.cpp uses, over the stand-in.
#pragma once

#include "stand_in.hpp"

#include <string>

namespace BioFVM {

inline const int nodes[3] = {20, 12, 1};
inline const double spacing[3] = {20.0, 20.0, 20.0}, corner[2] = {-200.0, -120.0};
inline stand_in::Microenvironment microenvironment(nodes, spacing, corner);

} // namespace BioFVM

namespace PhysiCell {

inline double diffusion_dt = 0.01;
inline struct {
    double max_time = 6.0;
    int omp_num_threads = 1;
} PhysiCell_settings;
inline struct {
    double current_time = 0.0;
} PhysiCell_globals;

class Cell_Container {
public:
    void update_all_cells(double now) {
        for (auto* agent : BioFVM::microenvironment.agent_container->all_agents) {
            agent->advance_secretion(BioFVM::microenvironment, diffusion_dt);
        }
        BioFVM::microenvironment.agent_container->minutes = now + diffusion_dt;
    }
};

inline Cell_Container* create_cell_container_for_microenvironment(stand_in::Microenvironment&, double) {
    static Cell_Container container;
    return &container;
}

// Reads nothing; "no time" stands for a configuration that ends before its first step.
inline bool load_PhysiCell_config_file(const std::string& path) {
    if (path == "no time") PhysiCell_settings.max_time = -1.0;
    return true;
}

} // namespace PhysiCell
