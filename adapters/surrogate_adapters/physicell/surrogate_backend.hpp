// Let the certified backend of surrogate-plugin answer for substrates of a PhysiCell simulation.
//
//     #include "./core/PhysiCell.h"
//     #include "./custom_modules/surrogate_backend.hpp"         // after PhysiCell's own headers
//     ...
//     setup_microenvironment();
//     surrogate::attach( microenvironment , "./config/surrogate.toml" );
//
// Every call of the microenvironment's diffusion solver then gives the substrates named in the file the steady field
// of the present agents and Dirichlet nodes, solved for when due and held in between; the other substrates are stepped
// as they were. Needs C++17, OpenMP and libpython; `surrogate-plugin physicell init` writes the settings and tells the
// flags. The headers beside this one belong to it:
//
//     surrogate_attachment.hpp   what is done in a call of the solver, and the report
//     surrogate_host.hpp         what is read of PhysiCell, and of a simulator of your own
//     surrogate_python.hpp       the interpreter
//     surrogate_clock.hpp        which steps of the host follow a call
//     surrogate_lattice.hpp      coefficients, Dirichlet nodes, densities
//     surrogate_agents.hpp       agents, and their exchange put at rest
//     surrogate_in_time.hpp      substrates that go on in time
//     surrogate_motion.hpp       how far a held field is off as agents move
//     surrogate_sweeps.hpp       substrates left to the host
#ifndef SURROGATE_BACKEND_HPP
#define SURROGATE_BACKEND_HPP

#include "surrogate_attachment.hpp"

#include <cstdlib>
#include <iostream>
#include <map>
#include <memory>
#include <string>

namespace surrogate {

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

/// At the end of the program, what there is to say of those attachments that nobody has detached.
template <class Microenvironment>
void say_at_exit() {
    for (auto& one : attachments<Microenvironment>()) {
        try {
            one.second->say_at_the_end();
        } catch (const std::exception& error) { // nobody is left to catch it
            std::cerr << error.what() << "\n";
        }
    }
}

// ---------------------------------------------------------------------------------------------------------------------

/// Answer for the substrates named in the settings from now on; throws Error if something is not allowed.
template <class Microenvironment>
void attach(Microenvironment& microenvironment, const std::string& settings) {
    static_assert(is_known<Microenvironment>::value,
                  "include surrogate_backend.hpp after PhysiCell's headers, or specialise surrogate::Host");
    static const bool registered = std::atexit(&say_at_exit<Microenvironment>) == 0;
    (void)registered;
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
    auto& attachment = attachment_of(microenvironment);
    if (microenvironment.diffusion_decay_solver != &solver<Microenvironment>) {
        throw Error("surrogate: diffusion_decay_solver was replaced after attach; put it back first.");
    }
    attachment.finish();
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
