// The host's agents: what is read of them, and how their exchange with our substrates is put at rest; see
// surrogate_backend.hpp.
#ifndef SURROGATE_AGENTS_HPP
#define SURROGATE_AGENTS_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "surrogate_lattice.hpp"

namespace surrogate {

/// Agents in contiguous arrays, kept from call to call so that they are not allocated anew.
struct Agents {
    std::vector<std::int64_t> voxel; ///< (agents) n = j nx + i; -1 for those that take no part
    std::vector<std::int64_t> kind;  ///< (agents) the number of its type
    std::vector<double> volume;      ///< (agents) um^3
    std::vector<double> rates;       ///< (substrates, 4, agents) uptake, secretion, target, net export

    template <class Agent>
    static bool takes_part(Agent& agent) {
        return agent.is_active && !agent.is_out_of_domain && agent.get_current_voxel_index() >= 0;
    }

    /// Read all of `list`, whose exchange is settled.
    template <class TheHost, class Agent>
    void read(const std::vector<Agent*>* list, const std::vector<int>& substrates) {
        const std::ptrdiff_t n = list == nullptr ? 0 : static_cast<std::ptrdiff_t>(list->size());
        voxel.resize(n);
        kind.resize(n);
        volume.resize(n);
        rates.resize(4 * n * substrates.size());
#pragma omp parallel for if (n > kFewAgents)
        for (std::ptrdiff_t a = 0; a < n; a++) {
            Agent& agent = *(*list)[a];
            const auto& secretion = agent.phenotype.secretion;
            const bool active = takes_part(agent);
            voxel[a] = active ? agent.get_current_voxel_index() : -1;
            kind[a] = TheHost::kind(agent);
            volume[a] = active ? TheHost::volume(agent) : 0.0;
            for (std::size_t s = 0; s < substrates.size(); s++) {
                double* rate = &rates[4 * n * s + a];
                const int index = substrates[s];
                rate[0 * n] = active ? secretion.uptake_rates[index] : 0.0;
                rate[1 * n] = active ? secretion.secretion_rates[index] : 0.0;
                rate[2 * n] = active ? secretion.saturation_densities[index] : 0.0;
                rate[3 * n] = active ? secretion.net_export_rates[index] : 0.0;
            }
        }
    }

    /// (variables, agents) what agents have of their own under some names; NaN where they have nothing.
    template <class TheHost, class Agent>
    std::vector<double> variables(const std::vector<Agent*>* list, const std::vector<std::string>& names) const {
        std::vector<double> found;
        found.reserve(names.size() * voxel.size());
        for (const auto& name : names) {
            for (std::size_t a = 0; a < voxel.size(); a++) found.push_back(TheHost::variable(*(*list)[a], name));
        }
        return found;
    }
};

/// The exchange of agents with our substrates, which the field holds already.
///
/// After each call of the solver every agent of the host takes up and secretes in its voxel, with constants that the
/// host reckons when an agent's volume is set and not when its rates change. For our substrates these constants are
/// put at rest before each turn, so that it changes nothing: the densities are the field at every moment, whenever
/// rates change, however much is secreted, and however many threads meet in one voxel. The amount that the host counts
/// as exported is what the field loses to the agent, so that it internalises that. Other substrates are left as they
/// are, bit by bit.
template <class Microenvironment>
class AtRest {
public:
    using TheHost = Host<Microenvironment>;
    using Agent = typename TheHost::Agent;

    AtRest(Microenvironment& host, const std::vector<int>& substrates) : host_(host), substrates_(substrates) {}

    /// Let the host's constants be what its next turn would make them.
    void settle(const std::vector<Agent*>* list, double dt) {
        const std::ptrdiff_t n = list == nullptr ? 0 : static_cast<std::ptrdiff_t>(list->size());
#pragma omp parallel for if (n > kFewAgents)
        for (std::ptrdiff_t a = 0; a < n; a++) {
            if (Agents::takes_part(*(*list)[a])) TheHost::settle(host_, *(*list)[a], dt);
        }
    }

    /// Settle, and let the next turn leave our substrates alone; `taken_up` is by substrate and agent, density um^3 / min,
    /// of which the minutes of each substrate are counted.
    void rest(const std::vector<Agent*>* list, const std::vector<std::vector<double>>& taken_up,
              const std::vector<double>& minutes, double dt) {
        const std::ptrdiff_t n = list == nullptr ? 0 : static_cast<std::ptrdiff_t>(list->size());
#pragma omp parallel for if (n > kFewAgents)
        for (std::ptrdiff_t a = 0; a < n; a++) {
            Agent& agent = *(*list)[a];
            if (!Agents::takes_part(agent)) continue;
            TheHost::settle(host_, agent, dt);
            const auto [gain, loss, amount, density] = TheHost::exchange(agent);
            for (std::size_t s = 0; s < substrates_.size(); s++) {
                const int index = substrates_[s];
                const double counted = -minutes[s] * taken_up[s][a];
                // Mostly they are so already, and memory that is not written to need not be written back.
                if ((*amount)[index] == counted && (*loss)[index] == 1.0 && (*gain)[index] == 0.0 &&
                    (*density)[index] == 0.0) continue;
                (*gain)[index] = (*density)[index] = 0.0;
                (*loss)[index] = 1.0;
                (*amount)[index] = counted;
            }
        }
    }

    /// Give our substrates back to the host's own turns.
    void let_go(const std::vector<Agent*>* list, double dt) {
        if (list == nullptr) return;
        for (Agent* agent : *list) {
            if (!Agents::takes_part(*agent)) continue;
            const Exchange exchange = TheHost::exchange(*agent);
            std::vector<double> before[4];
            for (int k = 0; k < 4; k++) before[k] = *exchange[k];
            TheHost::renew(host_, *agent, dt);
            for (int k = 0; k < 4; k++) {
                for (const int s : substrates_) before[k][s] = (*exchange[k])[s];
                *exchange[k] = before[k];
            }
        }
    }

private:
    Microenvironment& host_;
    std::vector<int> substrates_;
};

/// What each agent takes up of one substrate: volume ((U + S) c - S T) - E, density um^3 / min.
inline void take_up(const Agents& agents, std::size_t s, const std::vector<double>& field, std::vector<double>& taken) {
    const std::size_t n = agents.voxel.size();
    const double *uptake = agents.rates.data() + 4 * n * s, *secretion = uptake + n;
    const double *target = secretion + n, *exported = target + n;
    taken.resize(n);
    for (std::size_t a = 0; a < n; a++) {
        if (agents.voxel[a] < 0) {
            taken[a] = 0.0;
            continue;
        }
        const double c = field[agents.voxel[a]];
        taken[a] = agents.volume[a] * (uptake[a] * c - secretion[a] * (target[a] - c)) - exported[a];
    }
}

/// Adds what each agent takes up of one substrate in some minutes at a field, density um^3.
inline void add_up(const Agents& agents, std::size_t s, const std::vector<double>& field, double minutes,
                   std::vector<double>& taken) {
    std::vector<double> rate;
    take_up(agents, s, field, rate);
    taken.resize(rate.size(), 0.0);
    for (std::size_t a = 0; a < rate.size(); a++) taken[a] += minutes * rate[a];
}

} // namespace surrogate

#endif
