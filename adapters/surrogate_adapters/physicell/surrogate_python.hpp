// The Python inside the simulation; see surrogate_backend.hpp. The interpreter is started once and never ended: numpy
// cannot be loaded twice into one process.
#ifndef SURROGATE_PYTHON_HPP
#define SURROGATE_PYTHON_HPP

#ifndef PY_SSIZE_T_CLEAN
#define PY_SSIZE_T_CLEAN
#endif
#include <Python.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <regex>
#include <string>
#include <vector>

#include "surrogate_host.hpp"

namespace surrogate::python {

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

/// How many threads the simulation asked OpenMP for; 0 where it does without.
inline int threads_asked_for() {
#ifdef _OPENMP
    return omp_get_max_threads();
#else
    return 0;
#endif
}

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

/// Start the interpreter of a virtual environment, unless one runs in this process already; whether it was started.
inline bool start(const std::string& settings) {
    std::string program = named_in(settings);
    if (Py_IsInitialized()) return false;
    if (program.empty() && std::getenv("SURROGATE_PYTHON") != nullptr) program = std::getenv("SURROGATE_PYTHON");
    if (!program.empty() && !std::filesystem::exists(program)) {
        throw Error("surrogate: there is no Python at '" + program + "'; set python in '" + settings +
                    "' to the interpreter of the environment that holds surrogate-plugin.");
    }
#ifdef _OPENMP
    // numpy's and scipy's linear algebra would otherwise start a thread for each core, that spin beside the simulation.
    setenv("OPENBLAS_NUM_THREADS", std::to_string(omp_get_max_threads()).c_str(), 0);
#endif
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
    return true;
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

} // namespace surrogate::python

#endif
