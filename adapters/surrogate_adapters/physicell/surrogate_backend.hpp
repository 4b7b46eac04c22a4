// Let the certified backend of surrogate-plugin answer for substrates of a PhysiCell simulation.
//
//     #include "./core/PhysiCell.h"
//     #include "./surrogate_backend.hpp"                        // after PhysiCell's own headers
//     ...
//     setup_microenvironment();
//     surrogate::attach( microenvironment , "surrogate.toml" );
//
// Every call of the microenvironment's diffusion solver then gives the substrates named in the file the steady field
// of the present agents and Dirichlet nodes, solved for when due and held in between; the other substrates go to the
// solver that was there. Needs C++17, OpenMP and libpython; `surrogate-plugin physicell init` writes the settings and
// tells the flags. It is one file, so that it can be copied.
//
// From top to bottom: Host (what is read of PhysiCell), python (the interpreter), Clock (when to solve), Snapshot (what
// is handed to Python), Uptake (the host's own uptake, undone beforehand), Attachment, and the functions to call.
#ifndef SURROGATE_BACKEND_HPP
#define SURROGATE_BACKEND_HPP

#ifndef PY_SSIZE_T_CLEAN
#define PY_SSIZE_T_CLEAN
#endif
#include <Python.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <regex>
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

/// What a simulator keeps outside its microenvironment. Specialise it for a simulator of your own:
///   static std::vector<Agent*>* agents(Microenvironment&);   all agents, or nullptr while there is no list of them
///   static double minutes(Microenvironment&);                the simulated time
///   static double phenotype_dt(Microenvironment&);           minutes between two phenotype steps, and
///   static double mechanics_dt(Microenvironment&);           between two mechanics steps
///   static std::vector<double>* internalised(Microenvironment&, Agent&);
///                                                            what an agent has taken up by the host's count, by
///                                                            substrate; nullptr where nobody counts
template <class Microenvironment>
struct Host;

template <class Microenvironment, class = void>
struct is_known : std::false_type {};
template <class Microenvironment>
struct is_known<Microenvironment, std::void_t<decltype(sizeof(Host<Microenvironment>))>> : std::true_type {};

#if defined(__PhysiCell_cell_h__) && defined(__PhysiCell_settings_h__)
template <>
struct Host<BioFVM::Microenvironment> {
    using Here = BioFVM::Microenvironment;
    static std::vector<PhysiCell::Cell*>* agents(Here&) { return PhysiCell::all_cells; }
    static double minutes(Here&) { return PhysiCell::PhysiCell_globals.current_time; }
    static double phenotype_dt(Here&) { return PhysiCell::phenotype_dt; }
    static double mechanics_dt(Here&) { return PhysiCell::mechanics_dt; }
    static std::vector<double>* internalised(Here&, PhysiCell::Cell& cell) {
        const auto& options = BioFVM::default_microenvironment_options;
        return options.track_internalized_substrates_in_each_agent ? cell.internalized_substrates : nullptr;
    }
};
#endif

/// What an attachment has done so far.
struct Report {
    struct Substrate {
        std::string name;
        std::string method;     ///< who answered last
        double bound = 0.0;     ///< at least the largest error of the field held, in the substrate's unit
        double excess = 0.0;    ///< how far, at most, agents now read above it, see Uptake; 0 without strong secretion
        long excess_voxels = 0; ///< in so many voxels
    };
    long solves = 0;              ///< solver calls that were answered with a new field
    long held = 0;                ///< ... with the last one
    long handed_back = 0;         ///< ... by the host's solver, after an error (on_error = "host")
    double seconds_solving = 0.0; ///< wall time inside the backend's solvers
    double seconds_around = 0.0;  ///< ... of all else here: gathering, the call, writing; not of the host's solver
    std::vector<Substrate> substrates;
};

// ---------------------------------------------------------------------------------------------------------------------
// The interpreter. It is started once and never ended: numpy and torch cannot be loaded twice into one process.

namespace python {

/// Keeps the number of threads that the simulation asked OpenMP for: Python's libraries, which share OpenMP with it, set
/// another one when they load and when they solve.
class Threads {
public:
    Threads() = default;
#ifdef _OPENMP
    ~Threads() { omp_set_num_threads(before_); }
    Threads(const Threads&) = delete;
    Threads& operator=(const Threads&) = delete;

private:
    int before_ = omp_get_max_threads();
#endif
};

/// Holds the interpreter's lock; PhysiCell runs without it.
class Lock {
public:
    Lock() : state_(PyGILState_Ensure()) {}
    ~Lock() { PyGILState_Release(state_); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

private:
    Threads threads_; // last to go, when Python has done its work
    PyGILState_STATE state_;
};

struct Release {
    void operator()(PyObject* object) const {
        const Lock lock; // an exception may have let go of the one it was made under
        Py_DECREF(object);
    }
};
/// A reference of our own.
using Object = std::unique_ptr<PyObject, Release>;

inline std::string text(PyObject* object) {
    Object shown(PyObject_Str(object));
    const char* letters = shown ? PyUnicode_AsUTF8(shown.get()) : nullptr;
    if (letters == nullptr) PyErr_Clear();
    return letters == nullptr ? "?" : letters;
}

/// The exception that is set, as one line; it is cleared.
inline std::string raised() {
#if PY_VERSION_HEX >= 0x030C0000
    Object value(PyErr_GetRaisedException());
#else
    PyObject *type = nullptr, *raw = nullptr, *trace = nullptr;
    PyErr_Fetch(&type, &raw, &trace);
    PyErr_NormalizeException(&type, &raw, &trace);
    Object kept_type(type), value(raw), kept_trace(trace);
#endif
    std::string line = value ? text(value.get()) : "unknown error";
    if (line.empty() && value) line = Py_TYPE(value.get())->tp_name;
    std::replace(line.begin(), line.end(), '\n', ' ');
    return line;
}

inline Object checked(PyObject* object) {
    if (object == nullptr) throw Error("surrogate: " + raised());
    return Object(object);
}

/// A view of memory that C++ goes on owning: nothing is copied, and Python keeps it no longer than the call.
template <class T>
PyObject* view(const std::vector<T>& values) {
    static char nothing = 0;
    char* start = values.empty() ? &nothing : reinterpret_cast<char*>(const_cast<T*>(values.data()));
    return PyMemoryView_FromMemory(start, static_cast<Py_ssize_t>(values.size() * sizeof(T)), PyBUF_READ);
}

/// `python = "..."` of the settings, which has to be known before there is a Python to read them with.
inline std::string named_in(const std::string& settings) {
    std::ifstream file(settings);
    if (!file) throw Error("surrogate: cannot read the settings '" + settings + "'.");
    const std::regex assignment(R"re(^\s*python\s*=\s*(?:"([^"]*)"|'([^']*)').*)re");
    std::smatch found;
    for (std::string line; std::getline(file, line) && line.find_first_not_of(" \t") != line.find('[');) {
        if (std::regex_match(line, found, assignment)) return found[1].str() + found[2].str();
    }
    return "";
}

/// An environment made by another version of Python cannot serve the library that this program was linked with.
inline void require_version(const std::filesystem::path& program) {
    std::ifstream file(program.parent_path().parent_path() / "pyvenv.cfg");
    const std::regex entry(R"re(^version(?:_info)?\s*=\s*(\d+\.\d+).*)re");
    const std::string linked = std::to_string(PY_MAJOR_VERSION) + "." + std::to_string(PY_MINOR_VERSION);
    std::smatch found;
    for (std::string line; std::getline(file, line);) {
        if (std::regex_match(line, found, entry) && found[1] != linked) {
            throw Error("surrogate: '" + program.string() + "' is Python " + found[1].str() +
                        ", but this program was linked with libpython" + linked +
                        "; link it with the library of the environment it uses.");
        }
    }
}

/// Start the interpreter of a virtual environment, unless one runs in this process already.
inline void start(const std::string& settings) {
    std::string program = named_in(settings);
    if (Py_IsInitialized()) return;
    if (program.empty() && std::getenv("SURROGATE_PYTHON") != nullptr) program = std::getenv("SURROGATE_PYTHON");
    if (!program.empty() && !std::filesystem::exists(program)) {
        throw Error("surrogate: there is no Python at '" + program + "'; set python in '" + settings +
                    "' to the interpreter of the environment that holds surrogate-plugin.");
    }
    PyConfig config;
    PyConfig_InitPythonConfig(&config);
    config.install_signal_handlers = 0; // Ctrl-C goes on ending the simulation
    PyStatus status = PyStatus_Ok();
    if (!program.empty()) {
        const std::string path = std::filesystem::absolute(program).string();
        require_version(path);
        // Python takes its environment from where its executable lies.
        status = PyConfig_SetBytesString(&config, &config.program_name, path.c_str());
        if (!PyStatus_Exception(status)) status = PyConfig_SetBytesString(&config, &config.executable, path.c_str());
    }
    if (!PyStatus_Exception(status)) status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    if (PyStatus_Exception(status)) {
        throw Error(std::string("surrogate: Python did not start: ") + (status.err_msg ? status.err_msg : "no reason"));
    }
    PyEval_SaveThread();
}

inline Object bridge_module(const std::string& settings) {
    PyObject* module = PyImport_ImportModule("surrogate_adapters.physicell.bridge");
    if (module == nullptr) {
        const std::string why = raised();
        PyObject* executable = PySys_GetObject("executable");
        throw Error("surrogate: " + (executable ? text(executable) : "Python") +
                    " cannot load surrogate_plugin: " + why + "; set python in '" + settings +
                    "' to the interpreter of the environment that holds it.");
    }
    return Object(module);
}

} // namespace python

// ---------------------------------------------------------------------------------------------------------------------

/// Foresees, at a call of the diffusion solver, which of the host's other steps follow it.
///
/// The host runs its phenotype and mechanics steps right after a diffusion step, at time 0 and then whenever
/// `now - last > period - diffusion_dt / 2`; the same is reckoned here.
class Clock {
public:
    bool phenotype = false; ///< a phenotype step follows this call
    bool mechanics = false; ///< a mechanics step does
    bool moved = true;      ///< agents may have moved or changed since the call before

    template <class Microenvironment>
    void call(Microenvironment& host, double dt) {
        const double now = Host<Microenvironment>::minutes(host);
        moved = phenotype || mechanics;
        phenotype = due(now, dt, Host<Microenvironment>::phenotype_dt(host), last_phenotype_);
        mechanics = due(now, dt, Host<Microenvironment>::mechanics_dt(host), last_mechanics_);
        started_ = true;
    }

    static bool past(double now, double dt, double period, double last) { return now - last > period - 0.5 * dt; }

private:
    bool due(double now, double dt, double period, double& last) const {
        // A run that is joined halfway has had its steps at the multiples of the period.
        if (!started_) last = std::floor((now + 0.5 * dt) / period) * period;
        const bool first = !started_ && now - last < 0.5 * dt;
        if (!first && !past(now, dt, period, last)) return false;
        last = now;
        return true;
    }

    bool started_ = false;
    double last_phenotype_ = 0.0, last_mechanics_ = 0.0;
};

// ---------------------------------------------------------------------------------------------------------------------

/// The host's state in contiguous arrays, kept from call to call so that they are not allocated anew.
struct Snapshot {
    std::vector<std::int64_t> voxel;  ///< (agents) n = j nx + i; -1 for those that take no part
    std::vector<double> volume;       ///< (agents) um^3
    std::vector<double> rates;        ///< (substrates, 4, agents) uptake, secretion, target, net export
    std::vector<double> coefficients; ///< (substrates, 2) diffusion coefficient, decay rate
    std::vector<std::uint8_t> fixed;  ///< (substrates, voxels) 1 at active Dirichlet nodes
    std::vector<double> value;        ///< (substrates, voxels) their values, 0 elsewhere

    template <class Agent>
    void read_agents(const std::vector<Agent*>* list, const std::vector<int>& substrates) {
        const std::ptrdiff_t n = list == nullptr ? 0 : static_cast<std::ptrdiff_t>(list->size());
        voxel.resize(n);
        volume.resize(n);
        rates.resize(4 * n * substrates.size());
#pragma omp parallel for
        for (std::ptrdiff_t a = 0; a < n; a++) read_agent(*(*list)[a], a, n, substrates);
    }

    template <class Microenvironment>
    void read_lattice(Microenvironment& host, const std::vector<int>& substrates, std::ptrdiff_t voxels) {
        const std::ptrdiff_t owned = static_cast<std::ptrdiff_t>(substrates.size());
        coefficients.resize(2 * owned);
        for (std::ptrdiff_t s = 0; s < owned; s++) {
            coefficients[2 * s] = host.diffusion_coefficients[substrates[s]];
            coefficients[2 * s + 1] = host.decay_rates[substrates[s]];
        }
        fixed.assign(owned * voxels, 0);
        value.assign(owned * voxels, 0.0);
#pragma omp parallel for
        for (std::ptrdiff_t n = 0; n < voxels; n++) {
            if (!host.is_dirichlet_node(static_cast<int>(n))) continue;
            for (std::ptrdiff_t s = 0; s < owned; s++) {
                if (!host.get_substrate_dirichlet_activation(substrates[s], static_cast<int>(n))) continue;
                fixed[s * voxels + n] = 1;
                value[s * voxels + n] = host.get_substrate_dirichlet_value(substrates[s], static_cast<int>(n));
            }
        }
    }

private:
    template <class Agent>
    void read_agent(Agent& agent, std::ptrdiff_t a, std::ptrdiff_t n, const std::vector<int>& substrates) {
        // The host binds an agent to the rates of its phenotype only when it first secretes: read the phenotype.
        const auto& secretion = agent.phenotype.secretion;
        const bool bound = agent.secretion_rates == &secretion.secretion_rates;
        const bool active = agent.is_active && !agent.is_out_of_domain && agent.get_current_voxel_index() >= 0;
        voxel[a] = active ? agent.get_current_voxel_index() : -1;
        volume[a] = !active ? 0.0 : bound ? agent.get_total_volume() : agent.phenotype.volume.total;
        for (std::size_t s = 0; s < substrates.size(); s++) {
            double* rate = &rates[4 * n * s + a];
            const int index = substrates[s];
            rate[0 * n] = active ? secretion.uptake_rates[index] : 0.0;
            rate[1 * n] = active ? secretion.secretion_rates[index] : 0.0;
            rate[2 * n] = active ? secretion.saturation_densities[index] : 0.0;
            rate[3 * n] = active ? secretion.net_export_rates[index] : 0.0;
        }
    }
};

// ---------------------------------------------------------------------------------------------------------------------

/// The field of one substrate, and what is written for it so that uptake counts once.
///
/// The field holds what agents take up already, but after each call of the solver every agent of the host also applies
///
///     rho <- (rho + f S T) / (1 + f (U + S)) + dt E / V_voxel,        f = dt V_agent / V_voxel,
///
/// to its voxel. So the voxel is given the value that these maps, one after the other, take to the field: agents then
/// read the field itself. What the host counts as taken up by an agent alone in its voxel is exactly what the field lost
/// there; of m agents in one voxel the first find more than the last, and together they count about (m - 1) f U / 2 too
/// much, so each count is put right beforehand by what it is going to be off. Where agents secrete more within one step
/// than the steady field holds, the value would be negative: 0 is written, and they read too much by what
/// Report::Substrate::excess tells. A shorter diffusion_dt lowers this.
///
/// Agents are looked at anew after every step of the host in which they may have moved or changed. Rates that change
/// without set_total_volume reach the host's own uptake only later, and until then its agents read
/// (1 + f U_new) / (1 + f U_old) times the field.
class Uptake {
public:
    std::string name, method;
    std::vector<double> field, written;
    double bound = 0.0, excess = 0.0;
    long excess_voxels = 0;

    /// Undo beforehand what the agents of `state` do within dt; `s` is this substrate's place in it.
    void prepare(const Snapshot& state, std::size_t s, double dt, double voxel_volume) {
        for (const auto v : touched_) written[v] = field[v];
        touched_.clear();
        miscounts_.clear();
        const std::size_t n = state.voxel.size();
        const double *uptake = state.rates.data() + 4 * n * s, *secretion = uptake + n;
        const double *target = secretion + n, *exported = target + n;
        // The host goes through its agents in order; the inverse goes backwards.
        for (std::size_t a = n; a-- > 0;) {
            const double rate = uptake[a] + secretion[a];
            if (state.voxel[a] < 0 || (rate == 0.0 && exported[a] == 0.0)) continue;
            const double f = dt * state.volume[a] / voxel_volume;
            double& density = written[state.voxel[a]];
            const double after = density - dt * exported[a] / voxel_volume;
            density = after * (1.0 + f * rate) - f * secretion[a] * target[a];
            touched_.push_back(state.voxel[a]);
            // Taken up by the host's count is density - after; by the field's, f times what it loses per minute.
            const double lost = f * (rate * field[state.voxel[a]] - secretion[a] * target[a]);
            const double off = (density - after) - lost;
            if (std::abs(off) > kRounding * density) miscounts_.push_back({a, off * voxel_volume});
        }
        excess = 0.0;
        excess_voxels = 0;
        for (const auto v : touched_) {
            if (written[v] >= 0.0) continue;
            excess = std::max(excess, -written[v]);
            excess_voxels++;
            written[v] = 0.0;
        }
    }

    /// Put right what the agents are going to count: `internalised(a)` is where agent a counts, or nullptr.
    template <class Internalised>
    void count(const Internalised& internalised, std::size_t agents, int substrate) const {
        for (const Miscount& miscount : miscounts_) {
            std::vector<double>* counts = miscount.agent < agents ? internalised(miscount.agent) : nullptr;
            if (counts != nullptr) (*counts)[substrate] -= miscount.amount;
        }
    }

private:
    struct Miscount {
        std::size_t agent;
        double amount; // density um^3
    };
    static constexpr double kRounding = 1e-13;

    std::vector<std::int64_t> touched_;
    std::vector<Miscount> miscounts_;
};

// ---------------------------------------------------------------------------------------------------------------------

/// What stands behind the solver pointer of one microenvironment.
template <class Microenvironment>
class Attachment {
public:
    using TheHost = Host<Microenvironment>;
    using Solver = void (*)(Microenvironment&, double);

    Attachment(Microenvironment& host, const std::string& settings)
        : host_(host), host_solver_(host.diffusion_decay_solver) {
        const auto& mesh = host.mesh;
        const std::ptrdiff_t nx = mesh.x_coordinates.size(), ny = mesh.y_coordinates.size();
        const std::ptrdiff_t nz = mesh.z_coordinates.size();
        voxels_ = nx * ny * nz;
        voxel_volume_ = host.voxels(0).volume;
        const python::Threads threads;
        python::start(settings);
        const python::Lock lock;
        const python::Object module = python::bridge_module(settings);
        python::Object names = python::checked(PyList_New(0));
        for (const auto& name : host.density_names) {
            PyList_Append(names.get(), python::checked(PyUnicode_FromString(name.c_str())).get());
        }
        const double depth = voxel_volume_ / (mesh.dx * mesh.dy);
        bridge_ = python::checked(PyObject_CallMethod(module.get(), "connect", "sO(nnn)(ddd)(dd)", settings.c_str(),
            names.get(), nx, ny, nz, mesh.dx, mesh.dy, depth, mesh.bounding_box[0], mesh.bounding_box[1]));
        configure();
    }

    /// Stand in for one call of the host's solver.
    void step(double dt) {
        const auto began = std::chrono::steady_clock::now();
        clock_.call(host_, dt);
        const char* reason = due(dt);
        if (reason != nullptr) answered_ = solve(reason, dt);
        double outside = 0.0; // seconds
        if (!answered_ || uptakes_.size() < host_.density_names.size()) {
            outside = timed([&] { host_solver_(host_, dt); });
        }
        if (answered_) {
            if (reason == nullptr && (clock_.moved || dt != prepared_dt_)) {
                snapshot_.read_agents(TheHost::agents(host_), indices_);
                prepare(dt);
            }
            write();
            count();
        }
        (reason != nullptr && answered_ ? report_.solves : answered_ ? report_.held : report_.handed_back)++;
        const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - began;
        report_.seconds_around += taken.count() - outside - solving_;
        report_.seconds_solving += solving_;
        solving_ = 0.0;
    }

    Report report() const {
        Report shown = report_;
        for (const auto& uptake : uptakes_) {
            shown.substrates.push_back({uptake.name, uptake.method, uptake.bound, uptake.excess, uptake.excess_voxels});
        }
        return shown;
    }

    Solver host_solver() const { return host_solver_; }

private:
    void configure() {
        const python::Object indices = python::checked(PyObject_GetAttrString(bridge_.get(), "indices"));
        for (Py_ssize_t s = 0; s < PyList_Size(indices.get()); s++) {
            indices_.push_back(static_cast<int>(PyLong_AsLong(PyList_GetItem(indices.get(), s))));
            uptakes_.emplace_back();
            uptakes_.back().name = host_.density_names[indices_.back()];
            uptakes_.back().field.resize(voxels_);
        }
        refresh_ = python::text(python::checked(PyObject_GetAttrString(bridge_.get(), "refresh")).get());
        on_error_ = python::text(python::checked(PyObject_GetAttrString(bridge_.get(), "on_error")).get());
        interval_ = PyFloat_AsDouble(python::checked(PyObject_GetAttrString(bridge_.get(), "interval_min")).get());
        snapshot_.read_lattice(host_, indices_, voxels_);
        python::checked(PyObject_CallMethod(bridge_.get(), "require", "N", python::view(snapshot_.coefficients)));
    }

    /// Why to solve at this call, or nullptr.
    const char* due(double dt) const {
        const auto* agents = TheHost::agents(host_);
        if (!asked_) return "first";
        if ((agents == nullptr ? 0 : agents->size()) != agents_) return "agents";
        if (interval_ > 0.0) {
            return Clock::past(TheHost::minutes(host_), dt, interval_, solved_at_) ? "interval" : nullptr;
        }
        if (clock_.phenotype) return "phenotype";
        return clock_.mechanics && refresh_ == "mechanics" ? "mechanics" : nullptr;
    }

    /// Whether there is a new field; if not, the host's solver is to answer until the next one is due.
    bool solve(const char* reason, double dt) {
        const auto* agents = TheHost::agents(host_);
        agents_ = agents == nullptr ? 0 : agents->size();
        solved_at_ = TheHost::minutes(host_);
        asked_ = true;
        snapshot_.read_agents(agents, indices_);
        snapshot_.read_lattice(host_, indices_, voxels_);
        try {
            ask(reason);
        } catch (const Error& error) {
            if (on_error_ != "host") {
                asked_ = false; // nobody goes on with the last field by ignoring this
                throw;
            }
            std::cerr << "Warning: " << error.what() << " The host's own solver answers until the next solve.\n";
            return false;
        }
        prepare(dt);
        return true;
    }

    void ask(const char* reason) {
        const python::Lock lock;
        const python::Object answers = python::checked(PyObject_CallMethod(bridge_.get(), "solve", "dsNNNNNN",
            solved_at_, reason, python::view(snapshot_.voxel), python::view(snapshot_.volume),
            python::view(snapshot_.rates), python::view(snapshot_.coefficients), python::view(snapshot_.fixed),
            python::view(snapshot_.value)));
        for (std::size_t s = 0; s < uptakes_.size(); s++) {
            PyObject *field = nullptr, *answer = PyList_GetItem(answers.get(), s);
            const char* method = nullptr;
            double seconds = 0.0;
            double& bound = uptakes_[s].bound;
            if (answer == nullptr || !PyArg_ParseTuple(answer, "Osdd", &field, &method, &bound, &seconds)) {
                throw Error("surrogate: " + python::raised());
            }
            uptakes_[s].method = method;
            solving_ += seconds;
            take(field, uptakes_[s]);
            if (report_.solves == 0) warn_of_nothing(uptakes_[s]);
        }
    }

    /// A model that lives on what its substrate was at first has no use for a steady field.
    static void warn_of_nothing(const Uptake& uptake) {
        const auto nothing = [](double density) { return density == 0.0; };
        if (!std::all_of(uptake.field.begin(), uptake.field.end(), nothing)) return;
        std::cerr << "Warning: surrogate: nothing holds or makes " << uptake.name
                  << " (no active Dirichlet node above 0, no secretion), so its steady field is 0 everywhere.\n";
    }

    void take(PyObject* field, Uptake& uptake) const {
        Py_buffer buffer;
        if (PyObject_GetBuffer(field, &buffer, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) != 0) {
            throw Error("surrogate: " + python::raised());
        }
        const Py_ssize_t bytes = static_cast<Py_ssize_t>(voxels_ * sizeof(double));
        const bool fits = buffer.len == bytes && std::string(buffer.format) == "d";
        if (fits) std::memcpy(uptake.field.data(), buffer.buf, buffer.len);
        PyBuffer_Release(&buffer);
        if (!fits) throw Error("surrogate: the field that came back does not have the shape of the microenvironment.");
        uptake.written = uptake.field;
    }

    void prepare(double dt) {
        prepared_dt_ = dt;
        for (std::size_t s = 0; s < uptakes_.size(); s++) {
            uptakes_[s].prepare(snapshot_, s, dt, voxel_volume_);
            if (uptakes_[s].excess > 0.0 && !warned_) {
                warned_ = true;
                std::cerr << "Warning: surrogate: agents secrete more " << uptakes_[s].name
                          << " within one diffusion step than its steady field holds, so they read up to "
                          << uptakes_[s].excess << " too much; a shorter diffusion_dt lowers this.\n";
            }
        }
    }

    void write() {
        // The host keeps its density vectors one after the other, which saves a call for each.
        std::vector<double>* density = &host_.density_vector(0);
        const std::size_t owned = uptakes_.size();
#pragma omp parallel for
        for (std::ptrdiff_t n = 0; n < voxels_; n++) {
            for (std::size_t s = 0; s < owned; s++) density[n][indices_[s]] = uptakes_[s].written[n];
        }
    }

    void count() {
        auto* agents = TheHost::agents(host_);
        if (agents == nullptr) return;
        const auto internalised = [&](std::size_t a) { return TheHost::internalised(host_, *(*agents)[a]); };
        for (std::size_t s = 0; s < uptakes_.size(); s++) {
            uptakes_[s].count(internalised, agents->size(), indices_[s]);
        }
    }

    template <class Call>
    static double timed(Call&& call) {
        const auto began = std::chrono::steady_clock::now();
        call();
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
    }

    Microenvironment& host_;
    Solver host_solver_;
    python::Object bridge_;
    std::ptrdiff_t voxels_ = 0;
    double voxel_volume_ = 0.0;
    std::string refresh_, on_error_;
    double interval_ = 0.0; // minutes; 0 for the steps of the host

    std::vector<int> indices_;    // of our substrates among the host's
    std::vector<Uptake> uptakes_; // one each
    Snapshot snapshot_;
    Clock clock_;
    Report report_;
    bool asked_ = false, answered_ = false, warned_ = false;
    std::size_t agents_ = 0;
    double solved_at_ = 0.0, prepared_dt_ = 0.0, solving_ = 0.0;
};

/// All attachments to microenvironments of one type. Never destroyed: at exit the interpreter may be gone before.
template <class Microenvironment>
std::map<Microenvironment*, std::unique_ptr<Attachment<Microenvironment>>>& attachments() {
    static auto* all = new std::map<Microenvironment*, std::unique_ptr<Attachment<Microenvironment>>>;
    return *all;
}

template <class Microenvironment>
Attachment<Microenvironment>& attachment_of(Microenvironment& microenvironment) {
    auto& all = attachments<Microenvironment>();
    const auto found = all.find(&microenvironment);
    if (found == all.end()) throw Error("surrogate: nothing is attached to this microenvironment.");
    return *found->second;
}

/// The function behind the solver pointer.
template <class Microenvironment>
void solver(Microenvironment& microenvironment, double dt) {
    attachment_of(microenvironment).step(dt);
}

// ---------------------------------------------------------------------------------------------------------------------

/// Answer for the substrates named in the settings from now on; throws Error if something is not allowed.
template <class Microenvironment>
void attach(Microenvironment& microenvironment, const std::string& settings) {
    static_assert(is_known<Microenvironment>::value,
                  "include surrogate_backend.hpp after PhysiCell's headers, or specialise surrogate::Host");
    auto& all = attachments<Microenvironment>();
    if (all.count(&microenvironment) != 0) {
        throw Error("surrogate: this microenvironment is attached already; detach it first.");
    }
    auto made = std::make_unique<Attachment<Microenvironment>>(microenvironment, settings);
    all[&microenvironment] = std::move(made);
    microenvironment.diffusion_decay_solver = &solver<Microenvironment>;
}

/// Give the host its own solver back; the densities keep the last fields.
template <class Microenvironment>
void detach(Microenvironment& microenvironment) {
    const auto& attachment = attachment_of(microenvironment);
    if (microenvironment.diffusion_decay_solver != &solver<Microenvironment>) {
        throw Error("surrogate: diffusion_decay_solver was replaced after attach; put it back first.");
    }
    microenvironment.diffusion_decay_solver = attachment.host_solver();
    attachments<Microenvironment>().erase(&microenvironment);
}

/// What was done so far, and how sure the fields are.
template <class Microenvironment>
Report report(Microenvironment& microenvironment) {
    return attachment_of(microenvironment).report();
}

} // namespace surrogate

#endif
