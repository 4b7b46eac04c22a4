// What is read of a simulator, and the only places where its agents are touched; see surrogate_backend.hpp.
#ifndef SURROGATE_HOST_HPP
#define SURROGATE_HOST_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace surrogate {

/// What went wrong, in one sentence.
class Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The constants of an agent's exchange with its voxel, each by substrate: gain, loss, amount and density. After each
/// call of the solver the host gives every active agent its turn, rho <- (rho + gain) / loss + density, and counts as
/// internalised what rho lost to the quotient, less the amount.
using Exchange = std::array<std::vector<double>*, 4>;

/// What some agent, or a type of agents, may do with a substrate: bits that are added up.
enum Role : std::uint8_t { kClimbs = 1, kSupplies = 2, kAnchors = 4 };

/// What a simulator keeps outside its microenvironment. Specialise it for a simulator of your own:
///   using Agent                                      with the members that PhysiCell's cells have
///   std::vector<Agent*>* agents(Microenvironment&)   all of them, or nullptr while there is no list
///   double minutes(Microenvironment&)                the simulated time
///   double phenotype_dt(Microenvironment&)           minutes between two phenotype steps, and
///   double mechanics_dt(Microenvironment&)           between two mechanics steps
///   double volume(Agent&)                            um^3, the one that its uptake is reckoned with
///   void settle(Microenvironment&, Agent&, double)   renews an agent's exchange, if the host is about to in its turn
///   Exchange exchange(Agent&)                        the constants that are in force
///   void renew(Microenvironment&, Agent&, double)    sets them from the agent's rates
///   void roles(Microenvironment&, std::vector<std::uint8_t>&)   adds the roles that agents have, by substrate
///   int kind(Agent&)                                 the number of an agent's type
///   std::vector<std::pair<int, std::string>> kinds(Microenvironment&)   numbers and names of all types
///   double variable(Agent&, std::string)             an agent's variable of that name; NaN if it has none
///   bool splits(solver)                              whether this is the solver that surrogate_sweeps.hpp repeats
template <class Microenvironment>
struct Host;

template <class Microenvironment, class = void>
struct is_known : std::false_type {};
template <class Microenvironment>
struct is_known<Microenvironment, std::void_t<decltype(sizeof(Host<Microenvironment>))>> : std::true_type {};

/// Whether Dirichlet values can be asked for; before 1.13 PhysiCell shows them only by applying them.
template <class Microenvironment, class = void>
struct tells_values : std::false_type {};
template <class Microenvironment>
struct tells_values<Microenvironment,
                    std::void_t<decltype(std::declval<Microenvironment&>().get_substrate_dirichlet_value(0, 0))>>
    : std::true_type {};

template <class Microenvironment>
double dirichlet_value(Microenvironment& host, int substrate, int voxel) {
    if constexpr (tells_values<Microenvironment>::value) return host.get_substrate_dirichlet_value(substrate, voxel);
    else return host.density_vector(voxel)[substrate]; // where `show_dirichlet_values` has put it
}

template <class Microenvironment>
void show_dirichlet_values(Microenvironment& host) {
    if constexpr (!tells_values<Microenvironment>::value) host.apply_dirichlet_conditions();
}

#if defined(__PhysiCell_cell_h__) && !defined(__PhysiCell_signal_response__)
#error "surrogate_backend.hpp needs PhysiCell 1.10 or later: this one has no core/PhysiCell_signal_behavior.h"
#elif defined(__PhysiCell_cell_h__) && defined(__PhysiCell_settings_h__)

/// Names the protected members of every agent that its exchange is kept in.
struct Exchanging : BioFVM::Basic_Agent {
    static Exchange of(BioFVM::Basic_Agent& agent) {
        return {&(agent.*(&Exchanging::cell_source_sink_solver_temp1)),
                &(agent.*(&Exchanging::cell_source_sink_solver_temp2)),
                &(agent.*(&Exchanging::cell_source_sink_solver_temp_export1)),
                &(agent.*(&Exchanging::cell_source_sink_solver_temp_export2))};
    }
};

/// Reads the private mark of agents whose exchange the host renews in their next turn. An explicit instantiation may
/// name private members; nothing else tells whether rates that have changed are in force yet.
template <bool BioFVM::Basic_Agent::*member>
struct Marked {
    friend bool is_marked(BioFVM::Basic_Agent& agent) { return agent.*member; }
};
bool is_marked(BioFVM::Basic_Agent& agent);
template struct Marked<&BioFVM::Basic_Agent::volume_is_changed>;

template <>
struct Host<BioFVM::Microenvironment> {
    using Here = BioFVM::Microenvironment;
    using Agent = PhysiCell::Cell;
    static std::vector<Agent*>* agents(Here&) { return PhysiCell::all_cells; }
    static double minutes(Here&) { return PhysiCell::PhysiCell_globals.current_time; }
    static double phenotype_dt(Here&) { return PhysiCell::phenotype_dt; }
    static double mechanics_dt(Here&) { return PhysiCell::mechanics_dt; }
    // A cell's own get_total_volume hides the volume that its uptake goes by, and complains.
    static double volume(Agent& cell) { return cell.BioFVM::Basic_Agent::get_total_volume(); }
    static void settle(Here&, Agent& cell, double dt) {
        if (cell.secretion_rates != &cell.phenotype.secretion.secretion_rates) {
            // Binds the cell to the rates of its phenotype; in no time it exchanges nothing.
#pragma omp critical(surrogate_settles_a_new_cell)
            cell.phenotype.secretion.advance(&cell, cell.phenotype, 0.0);
            cell.set_internal_uptake_constants(dt);
        } else if (is_marked(cell)) {
            cell.set_internal_uptake_constants(dt);
        }
    }
    static Exchange exchange(Agent& cell) { return Exchanging::of(cell); }
    static void renew(Here&, Agent& cell, double dt) { cell.set_internal_uptake_constants(dt); }
    static void roles(Here&, std::vector<std::uint8_t>& roles) {
        for (auto* type : PhysiCell::cell_definitions_by_index) add(roles, type->phenotype, type->functions);
        if (PhysiCell::all_cells == nullptr) return;
        for (auto* cell : *PhysiCell::all_cells) add(roles, cell->phenotype, cell->functions);
    }
    static int kind(Agent& cell) { return cell.type; }
    static std::vector<std::pair<int, std::string>> kinds(Here&) {
        std::vector<std::pair<int, std::string>> found;
        for (auto* type : PhysiCell::cell_definitions_by_index) found.emplace_back(type->type, type->name);
        return found;
    }
    static double variable(Agent& cell, const std::string& name) {
        const int index = cell.custom_data.find_variable_index(name);
        return index < 0 ? std::numeric_limits<double>::quiet_NaN() : cell.custom_data[index];
    }
    static bool splits(void (*solver)(Here&, double)) {
        return solver == &BioFVM::diffusion_decay_solver__constant_coefficients_LOD_2D;
    }

private:
    static void add(std::vector<std::uint8_t>& roles, PhysiCell::Phenotype& phenotype,
                    PhysiCell::Cell_Functions& functions) {
        const auto& rates = phenotype.secretion;
        const std::size_t known = rates.uptake_rates.size();
        for (std::size_t s = 0; s < roles.size() && s < known; s++) {
            const bool gives = rates.secretion_rates[s] * rates.saturation_densities[s] > 0.0;
            if (gives || rates.net_export_rates[s] > 0.0) roles[s] |= kSupplies;
            if (rates.secretion_rates[s] > 0.0 || rates.uptake_rates[s] > 0.0) roles[s] |= kAnchors;
        }
        const auto bias = functions.update_migration_bias;
        if (bias == nullptr || !phenotype.motility.is_motile) return;
        if (bias == PhysiCell::chemotaxis_function) {
            const auto climbed = static_cast<std::size_t>(phenotype.motility.chemotaxis_index);
            if (climbed < roles.size()) roles[climbed] |= kClimbs;
            return;
        }
        const bool weighted = bias == PhysiCell::advanced_chemotaxis_function ||
                              bias == PhysiCell::advanced_chemotaxis_function_normalized;
        const auto& weights = phenotype.motility.chemotactic_sensitivities;
        // A bias of the modeller's own may read any gradient.
        for (std::size_t s = 0; s < roles.size(); s++) {
            if (!weighted || (s < weights.size() && weights[s] != 0.0)) roles[s] |= kClimbs;
        }
    }
};

#endif

} // namespace surrogate

#endif
