// Which of the host's other steps follow a call of its diffusion solver; see surrogate_backend.hpp.
#ifndef SURROGATE_CLOCK_HPP
#define SURROGATE_CLOCK_HPP

#include <cmath>

#include "surrogate_host.hpp"

namespace surrogate {

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
        // A call in which no time has passed is not one of the host's loop, and nothing is known of what came between.
        moved = phenotype || mechanics || !started_ || now - last_call_ < 0.5 * dt;
        last_call_ = now;
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
    double last_phenotype_ = 0.0, last_mechanics_ = 0.0, last_call_ = 0.0;
};

} // namespace surrogate

#endif
