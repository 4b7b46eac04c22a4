// What stands behind the solver pointer of a microenvironment; see surrogate_backend.hpp.
#ifndef SURROGATE_ATTACHMENT_HPP
#define SURROGATE_ATTACHMENT_HPP

#include "surrogate_python.hpp" // first, as Python asks for
//
#include "surrogate_agents.hpp"
#include "surrogate_clock.hpp"
#include "surrogate_host.hpp"
#include "surrogate_in_time.hpp"
#include "surrogate_lattice.hpp"
#include "surrogate_motion.hpp"
#include "surrogate_sweeps.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <iostream>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace surrogate {

/// What is said to Python, and how; the other side refuses another number.
constexpr int kProtocol = 4;

/// What an attachment has done so far.
struct Report {
    struct Substrate {
        std::string name;
        std::string method;     ///< who answered last
        double bound = 0.0;     ///< at least the largest error of the field solved for, in the substrate's unit
        double gradient_bound = 0.0; ///< at least the largest error of its gradients, in that unit per um
        double excess = 0.0;    ///< how far, by estimate, agents that moved or changed since have taken it; see Correction
        long excess_voxels = 0; ///< in so many voxels they exchange otherwise than then
    };
    struct Notice {
        std::string kind, substrate; ///< such as "written from outside"; the guide lists them
        long times = 0;
    };
    long solves = 0;              ///< solver calls that were answered with a new field
    long held = 0;                ///< ... with the last one
    long handed_back = 0;         ///< ... by the host's solver, after an error (on_error = "host")
    double seconds_solving = 0.0; ///< wall time inside the backend's solvers
    double seconds_around = 0.0;  ///< ... of all else here: gathering, the call, writing; not of the host's substrates
    std::vector<Substrate> substrates;
    std::vector<Notice> notices;
};

/// What stands behind the solver pointer of one microenvironment.
template <class Microenvironment>
class Attachment {
public:
    using TheHost = Host<Microenvironment>;
    using Solver = void (*)(Microenvironment&, double);

    Attachment(Microenvironment& host, const std::string& settings)
        : host_(host), host_solver_(host.diffusion_decay_solver), voxel_volume_(host.voxels(0).volume),
          voxels_(static_cast<std::ptrdiff_t>(host.mesh.voxels.size())),
          correction_(host.mesh.x_coordinates.size(), host.mesh.y_coordinates.size()) {
        const auto& mesh = host.mesh;
        const int threads = python::threads_asked_for();
        const python::Threads kept;
        started_ = python::start(settings);
        const python::Lock lock;
        const python::Object module = python::bridge_module(settings);
        python::Object names = python::checked(PyList_New(0));
        for (const auto& name : host.density_names) {
            PyList_Append(names.get(), python::checked(PyUnicode_FromString(name.c_str())).get());
        }
        read_coefficients(host, every(), coefficients_);
        bridge_ = python::checked(PyObject_CallMethod(module.get(), "connect", "isOO(nnn)(ddd)(dd)(di)",
            kProtocol, settings.c_str(), names.get(), python::Object(python::view(coefficients_)).get(),
            count(mesh.x_coordinates), count(mesh.y_coordinates), count(mesh.z_coordinates),
            mesh.dx, mesh.dy, voxel_volume_ / (mesh.dx * mesh.dy), mesh.bounding_box[0], mesh.bounding_box[1],
            TheHost::phenotype_dt(host), threads));
        if (started_) python::checked(PyObject_CallMethod(module.get(), "speak_as_program", nullptr));
        configure();
    }

    /// Stand in for one call of the host's solver.
    void step(double dt) {
        const auto began = std::chrono::steady_clock::now();
        clock_.call(host_, dt);
        minutes_ = TheHost::minutes(host_);
        auto* agents = TheHost::agents(host_);
        look(agents, dt);
        const char* reason = due(dt);
        if (reason != nullptr) answered_ = solve(reason);
        const double outside = timed([&] { step_the_others(dt); });
        if (answered_) {
            if (to_write_) densities_->write(fields_);
            else for (std::size_t s = 0; s < fields_.size(); s++) densities_->write(s, fields_[s], written_[s]);
            to_write_ = false;
            at_rest_->rest(agents, taken_up_, counted_, dt);
            resting_ = true;
        } else if (resting_) {
            at_rest_->let_go(agents, dt);
            resting_ = false;
        }
        last_dt_ = dt;
        for (std::size_t s = 0; s < read_.size(); s++) {
            const bool anew = reason != nullptr && stale_[s], reads = clock_.mechanics || clock_.phenotype;
            read_[s] = anew ? 0 : std::min(read_[s] + reads, 2);
        }
        (reason != nullptr && answered_ ? report_.solves : answered_ ? report_.held : report_.handed_back)++;
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - began;
        report_.seconds_around += taken.count() - outside - solving_;
        report_.seconds_solving += solving_;
        solving_ = 0.0;
    }

    Report report() const {
        Report shown = report_;
        const python::Lock lock;
        const python::Object told = python::checked(PyObject_CallMethod(bridge_.get(), "told", nullptr));
        for (Py_ssize_t k = 0; k < PyList_Size(told.get()); k++) {
            const char *kind = nullptr, *substrate = nullptr;
            long times = 0;
            if (!PyArg_ParseTuple(PyList_GetItem(told.get(), k), "ssl", &kind, &substrate, &times)) break;
            shown.notices.push_back({kind, substrate, times});
        }
        return shown;
    }

    Solver host_solver() const { return host_solver_; }

    /// Give the agents back to the host, and say what there was to say.
    void finish() {
        if (resting_) at_rest_->let_go(TheHost::agents(host_), last_dt_);
        resting_ = false;
        say_at_the_end();
    }

    /// Says it without a look at the host, which may be gone at exit.
    void say_at_the_end() {
        if (!Py_IsInitialized()) return; // the simulation ran inside a Python that has ended
        const python::Lock lock;
        const python::Object said = python::checked(PyObject_CallMethod(bridge_.get(), "finish", "d", minutes_));
        for (Py_ssize_t k = 0; k < PyList_Size(said.get()); k++) {
            std::cerr << "surrogate: " << python::text(PyList_GetItem(said.get(), k)) << "\n";
        }
    }

private:
    template <class T>
    static Py_ssize_t count(const std::vector<T>& of) {
        return static_cast<Py_ssize_t>(of.size());
    }

    std::vector<int> every() const {
        std::vector<int> all;
        for (std::size_t s = 0; s < host_.density_names.size(); s++) all.push_back(static_cast<int>(s));
        return all;
    }

    void configure() {
        const python::Object indices = python::checked(PyObject_GetAttrString(bridge_.get(), "indices"));
        for (Py_ssize_t s = 0; s < PyList_Size(indices.get()); s++) {
            indices_.push_back(static_cast<int>(PyLong_AsLong(PyList_GetItem(indices.get(), s))));
            report_.substrates.push_back({});
            report_.substrates.back().name = host_.density_names[indices_.back()];
            solved_for_.emplace_back(voxels_);
        }
        for (const int s : every()) {
            if (std::find(indices_.begin(), indices_.end(), s) == indices_.end()) others_.push_back(s);
        }
        fields_.assign(indices_.size(), std::vector<double>(voxels_, 0.0));
        taken_up_.resize(indices_.size());
        tolerances_.assign(indices_.size(), 0.0);
        held_.assign(indices_.size(), 0);
        read_.assign(indices_.size(), 0);
        in_time_.configure(bridge_.get(), indices_.size());
        written_.resize(indices_.size());
        counted_.assign(indices_.size(), 0.0);
        at_rest_ = std::make_unique<AtRest<Microenvironment>>(host_, indices_);
        densities_ = std::make_unique<Densities<Microenvironment>>(host_, indices_);
        const python::Object variables = python::checked(PyObject_GetAttrString(bridge_.get(), "variables"));
        for (Py_ssize_t k = 0; k < PyList_Size(variables.get()); k++) {
            variables_.push_back(python::text(PyList_GetItem(variables.get(), k)));
        }
        refresh_ = python::text(python::checked(PyObject_GetAttrString(bridge_.get(), "refresh")).get());
        on_error_ = python::text(python::checked(PyObject_GetAttrString(bridge_.get(), "on_error")).get());
        interval_ = PyFloat_AsDouble(python::checked(PyObject_GetAttrString(bridge_.get(), "interval_min")).get());
        nodes_.read(host_, indices_);
        read_coefficients(host_, indices_, coefficients_);
        python::checked(PyObject_CallMethod(bridge_.get(), "require", "NNN", python::view(coefficients_),
            python::view(nodes_.fixed), python::view(nodes_.value)));
    }

    /// Bring up to date what is known of the host, and which substrates have to be solved for.
    void look(const std::vector<typename TheHost::Agent*>* agents, double dt) {
        const std::size_t owned = indices_.size(), present = agents == nullptr ? 0 : agents->size();
        stale_.assign(owned, 0);
        // Agents read densities in the host's own steps. What is written in between, into a steady field, is seen right
        // before the next of them; and right after each of them what was written then.
        const bool between = answered_ && !clock_.moved && !clock_.mechanics && !clock_.phenotype &&
                             present == agents_.voxel.size() && due_for_all(dt) == nullptr && !host_steps_ours();
        const bool which_nodes = !between || in_time_.any() || !others_.empty(); // or only what they hold
        const std::vector<bool> held_otherwise = nodes_.read(host_, indices_, which_nodes);
        read_coefficients(host_, indices_, coefficients_);
        bool wrote = false;
        for (std::size_t s = 0; s < owned; s++) {
            written_[s].clear();
            if (!answered_ || (between && !in_time_.is(s))) continue;
            densities_->written(s, fields_[s], nodes_, written_[s]);
            if (written_[s].empty()) continue;
            wrote = true;
            if (!in_time_.is(s)) tell("written from outside", s, static_cast<long>(written_[s].size()));
        }
        const bool reread = wrote || clock_.moved || clock_.mechanics || clock_.phenotype ||
                            present != agents_.voxel.size();
        if (reread) {
            at_rest_->settle(agents, dt);
            agents_.template read<TheHost>(agents, indices_);
        }
        const bool solve_anyway = due_for_all(dt) != nullptr; // then what has moved need not be known
        for (std::size_t s = 0; s < owned; s++) {
            if (in_time_.is(s)) {
                follow(s, !written_[s].empty() || held_otherwise[s] || differs(s), dt);
                continue;
            }
            counted_[s] = dt;
            if (!answered_) continue;
            held_[s]++;
            if (held_otherwise[s]) stale_[s] = kNodes;
            else if (differs(s)) stale_[s] = kCoefficients;
            if (stale_[s]) read_[s] = 0; // what changes now, nobody has read yet
            if (!reread) continue;
            if (!solve_anyway) moved(s);
            take_up(agents_, s, fields_[s], taken_up_[s]);
        }
    }

    /// Take over what others have done to a substrate that goes on in time, and say when it is due.
    void follow(std::size_t s, bool changed, double dt) {
        counted_[s] = 1.0; // what is taken up is counted in the step that takes it, and not by the minute
        taken_up_[s].assign(agents_.voxel.size(), 0.0);
        const double short_step = TheHost::mechanics_dt(host_);
        if (!answered_) {
            densities_->read(s, fields_[s]);
            in_time_.begin(s, short_step);
        } else if (changed) {
            std::vector<std::pair<double, double>> made; // of what, what
            for (const auto n : written_[s]) made.emplace_back(fields_[s][n], densities_->at(s, n));
            const bool late = in_time_.behind(s) > short_step * (1.0 + 1e-9);
            if (late) {
                // Up to now it went on with what there was before.
                stale_[s] = kChanged;
                answered_ = solve("changes", true);
                stale_[s] = 0;
                if (!answered_) return;
            }
            for (std::size_t k = 0; k < made.size(); k++) {
                double& field = fields_[s][written_[s][k]];
                field = InTime::written_over(field, made[k].first, made[k].second, late);
            }
            in_time_.change(s, short_step);
        }
        for (const auto n : nodes_.all) {
            if (!nodes_.fixed[s * voxels_ + n]) continue;
            fields_[s][n] = nodes_.value[s * voxels_ + n];
            if (changed) written_[s].push_back(n);
        }
        in_time_.pass(s, dt);
        if (in_time_.due(s, dt)) stale_[s] = kChanged;
    }

    /// Whether a substrate's coefficients are others than those it was solved with.
    bool differs(std::size_t s) const {
        return 2 * s + 1 < solved_with_.size() && (coefficients_[2 * s] != solved_with_[2 * s] ||
                                                   coefficients_[2 * s + 1] != solved_with_[2 * s + 1]);
    }

    /// Whether the host's solver steps our substrates too, beside those left to it.
    bool host_steps_ours() const { return !others_.empty() && sweeps_ == nullptr; }

    /// How far agents as they are now have taken the field held.
    void moved(std::size_t s) {
        now_.read(agents_, s, voxel_volume_);
        solved_for_[s].differences(now_, fields_[s], &nodes_.fixed[s * voxels_], changes_);
        // A small lattice is solved for in the time of many of the host's steps: soon after a solve, twice as much has to
        // have changed.
        const bool soon = static_cast<double>(held_[s]) < kSteps + kVoxelSteps / static_cast<double>(voxels_);
        const double allowed = (soon ? 1.0 : kShare) * tolerances_[s];
        auto& known = report_.substrates[s];
        known.excess_voxels = static_cast<long>(changes_.voxels.size());
        const int index = indices_[s];
        known.excess = correction_.largest(changes_, host_.diffusion_coefficients[index], host_.decay_rates[index],
            std::sqrt(host_.mesh.dx * host_.mesh.dy), interval_ == 0.0 ? allowed : std::numeric_limits<double>::infinity());
        if (known.excess <= allowed) return;
        if (interval_ == 0.0) {
            stale_[s] = std::max(stale_[s], kMoved);
            read_[s] = 0;
        } else if (clock_.mechanics) {
            tell("cells read more than the bound", s, known.excess_voxels);
        }
    }

    void tell(const char* kind, std::size_t s, long in_voxels) {
        const python::Lock lock;
        python::checked(PyObject_CallMethod(bridge_.get(), "tell", "snld", kind, static_cast<Py_ssize_t>(s), in_voxels,
            TheHost::minutes(host_)));
    }

    /// Why to solve at this call, or nullptr; `stale_` is then not 0 for the substrates concerned.
    const char* due(double dt) {
        if (indices_.empty()) return nullptr;
        if (const char* reason = due_for_all(dt)) {
            stale_.assign(stale_.size(), kDue);
            return reason;
        }
        for (std::size_t s = 0; s < stale_.size(); s++) {
            if (stale_[s] == kNodes) tell("nodes changed", s, 0);
        }
        const std::uint8_t most = *std::max_element(stale_.begin(), stale_.end());
        return most == kChanged ? "changes" : most == kNodes ? "nodes" : most == kCoefficients ? "coefficients" : most == kMoved ? "moved" : nullptr;
    }

    const char* due_for_all(double dt) const {
        if (!asked_) return "first";
        if (interval_ > 0.0) {
            if (agents_.voxel.size() != asked_for_) return "agents";
            return Clock::past(TheHost::minutes(host_), dt, interval_, solved_at_) ? "interval" : nullptr;
        }
        if (clock_.phenotype) return "phenotype";
        return clock_.mechanics && refresh_ == "mechanics" ? "mechanics" : nullptr;
    }

    /// Whether there is a new field; if not, the host's solver is to answer until the next one is due. `as_before`
    /// solves with nodes and coefficients as they were, for what goes on in time.
    bool solve(const char* reason, bool as_before = false) {
        // What is asked for one substrate alone does not put the others off.
        if (std::all_of(stale_.begin(), stale_.end(), [](std::uint8_t why) { return why == kDue; })) {
            asked_for_ = agents_.voxel.size();
            solved_at_ = TheHost::minutes(host_);
        }
        roles_.assign(host_.density_names.size(), 0);
        TheHost::roles(host_, roles_);
        if (!asked_) {
            for (std::size_t s = 0; s < indices_.size(); s++) roles_[indices_[s]] |= densities_->any(s) ? kWasThere : 0;
        }
        asked_ = true;
        try {
            ask(reason, as_before);
        } catch (const Error& error) {
            if (on_error_ != "host") {
                asked_ = false; // nobody goes on with the last field by ignoring this
                throw;
            }
            std::cerr << "Warning: " << error.what() << " The host's own solver answers until the next solve.\n";
            return false;
        }
        if (!as_before) solved_with_ = coefficients_;
        to_write_ = true;
        return true;
    }

    void ask(const char* reason, bool as_before) {
        const python::Lock lock;
        const auto variables = agents_.template variables<TheHost>(TheHost::agents(host_), variables_);
        const python::Object answers = python::checked(PyObject_CallMethod(bridge_.get(), "solve", "dsNNNNNiNNNNNNNNN",
            TheHost::minutes(host_), reason, python::view(stale_), python::view(read_), python::view(roles_),
            python::view(in_time_.minutes()), in_time_.starts(fields_), as_before, kinds(),
            python::view(agents_.voxel), python::view(agents_.kind), python::view(variables),
            python::view(agents_.volume), python::view(agents_.rates), python::view(coefficients_),
            python::view(nodes_.fixed), python::view(nodes_.value)));
        Py_ssize_t next = 0;
        for (std::size_t s = 0; s < indices_.size(); s++) {
            if (!stale_[s]) continue;
            PyObject *field = nullptr, *answer = PyList_GetItem(answers.get(), next++);
            const char* method = nullptr;
            double seconds = 0.0;
            auto& known = report_.substrates[s];
            if (answer == nullptr ||
                !PyArg_ParseTuple(answer, "Osddd", &field, &method, &known.bound, &seconds, &tolerances_[s])) {
                throw Error("surrogate: " + python::raised());
            }
            known.method = method;
            // A difference over two voxels, or over one on the rim, of two values that may be off in opposite ways.
            known.gradient_bound = 2.0 * known.bound / std::min(host_.mesh.dx, host_.mesh.dy);
            solving_ += seconds;
            take(field, s);
        }
        if (!started_) return;
        started_ = false;
        const python::Object module = python::checked(PyImport_ImportModule("surrogate_adapters.physicell.bridge"));
        python::checked(PyObject_CallMethod(module.get(), "settle_down", nullptr));
    }

    /// Numbers and names of the agents' types.
    PyObject* kinds() {
        PyObject* list = PyList_New(0);
        for (const auto& [number, name] : TheHost::kinds(host_)) {
            PyList_Append(list, python::Object(Py_BuildValue("(is)", number, name.c_str())).get());
        }
        return list;
    }

    void take(PyObject* field, std::size_t s) {
        Py_buffer buffer;
        if (PyObject_GetBuffer(field, &buffer, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) != 0) {
            throw Error("surrogate: " + python::raised());
        }
        const Py_ssize_t bytes = static_cast<Py_ssize_t>(voxels_ * sizeof(double));
        const bool fits = buffer.len == bytes && std::string(buffer.format) == "d";
        if (fits) std::memcpy(fields_[s].data(), buffer.buf, buffer.len);
        PyBuffer_Release(&buffer);
        if (!fits) throw Error("surrogate: the field that came back does not have the shape of the microenvironment.");
        for (const auto n : nodes_.all) {
            if (nodes_.fixed[s * voxels_ + n]) fields_[s][n] = nodes_.value[s * voxels_ + n];
        }
        if (in_time_.is(s)) {
            add_up(agents_, s, fields_[s], in_time_.behind(s), taken_up_[s]);
            in_time_.stepped(s);
            return;
        }
        solved_for_[s].read(agents_, s, voxel_volume_);
        take_up(agents_, s, fields_[s], taken_up_[s]);
        held_[s] = 0;
        report_.substrates[s].excess = 0.0;
        report_.substrates[s].excess_voxels = 0;
    }

    /// The substrates left to the host; all, while it answers for ours.
    void step_the_others(double dt) {
        if (!stepped_) {
            // The host's solver is called once in any case: its first call sets what gradients are reckoned with.
            if (TheHost::splits(host_solver_)) try_sweeps(dt);
            stepped_ = true;
        } else if (answered_ && others_.empty()) {
            return;
        } else if (answered_ && sweeps_ != nullptr) {
            sweeps_->step(nodes_);
            return;
        }
        host_solver_(host_, dt);
        to_write_ = true;
    }

    void try_sweeps(double dt) {
        sweeps_ = std::make_unique<Sweeps<Microenvironment>>(host_, others_, dt);
        if (!sweeps_->agree(host_solver_, dt, nodes_)) sweeps_ = nullptr;
    }

    template <class Call>
    static double timed(Call&& call) {
        const auto began = std::chrono::steady_clock::now();
        call();
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    }

    // The share of its tolerance that motion may take from a field: an estimate may be half of what is so.
    static constexpr double kShare = 0.5;
    // A solve takes as long as kSteps + kVoxelSteps / voxels of the host's steps of one substrate: about 2 ms whatever
    // the size of the lattice, where the host takes 5 ns a voxel and step.
    static constexpr double kSteps = 2.0, kVoxelSteps = 4e5;
    static constexpr std::uint8_t kMoved = 1, kCoefficients = 2, kNodes = 3, kDue = 4, // why a field is stale
                                  kChanged = 5;
    static constexpr std::uint8_t kWasThere = 8; // beside the roles, at the first solve: the substrate was not 0

    Microenvironment& host_;
    Solver host_solver_;
    python::Object bridge_;
    double voxel_volume_;
    std::ptrdiff_t voxels_;
    std::string refresh_, on_error_;
    double interval_ = 0.0; // minutes; 0 for the steps of the host

    std::vector<int> indices_, others_; // our substrates among the host's, and those left to it
    std::unique_ptr<AtRest<Microenvironment>> at_rest_;
    std::unique_ptr<Densities<Microenvironment>> densities_;
    std::unique_ptr<Sweeps<Microenvironment>> sweeps_; // nullptr where the host's solver steps all substrates at once
    Clock clock_;
    Agents agents_;
    Nodes nodes_;
    std::vector<double> coefficients_, solved_with_;
    std::vector<std::uint8_t> roles_, stale_;
    std::vector<std::uint8_t> read_; // in how many steps of the host after the one that it was solved for; 2 for more

    std::vector<std::vector<double>> fields_, taken_up_; // of each of our substrates: by voxel; by agent
    std::vector<std::string> variables_; // of agents, that say how they conduct
    std::vector<double> counted_;    // of what is taken up in a minute, so many minutes are counted in a call
    InTime in_time_;
    std::vector<std::vector<std::int64_t>> written_; // of each, the voxels that others wrote to, or whose nodes changed
    std::vector<long> held_;         // calls since each was solved for
    std::vector<double> tolerances_; // of what agents take a field to before it is solved for again
    std::vector<Exchanged> solved_for_;
    Exchanged now_{voxels_};
    Correction correction_;
    Changes changes_;

    Report report_;
    bool started_ = false, asked_ = false, answered_ = false, resting_ = false, stepped_ = false, to_write_ = false;
    std::size_t asked_for_ = 0; // agents
    double minutes_ = 0.0, solved_at_ = 0.0, last_dt_ = 0.0, solving_ = 0.0;
};

} // namespace surrogate

#endif
