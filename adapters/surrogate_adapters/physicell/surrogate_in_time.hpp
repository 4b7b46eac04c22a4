// Substrates that go on in time, by steps as long as the host's phenotype or mechanics steps; see surrogate_backend.hpp.
#ifndef SURROGATE_IN_TIME_HPP
#define SURROGATE_IN_TIME_HPP

#include "surrogate_python.hpp" // first, as Python asks for
//
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace surrogate {

/// Which of our substrates go on in time, and how far behind the host's time the field of each is.
///
/// A step is taken right before the host's own, backwards in time: the field at its end is the one that agents and nodes
/// as they are then, and the field before, come to. In between it is held, and what others do meanwhile is not lost.
/// When they write into it, or nodes or coefficients change, it is first brought up to that minute with what there was
/// before. What follows a change is fast at first and then slower and slower: so the first step after it is as short as a
/// mechanics step, and each next one a quarter longer, until those of the host are shorter; the field held is then hardly
/// older than a fifth of the time since the change. Changes that come faster than mechanics steps are followed by a step
/// at each of those.
class InTime {
public:
    void configure(PyObject* bridge, std::size_t owned) {
        minutes_.assign(owned, 0.0);
        changed_.assign(owned, 1);
        next_.assign(owned, 0.0);
        const python::Object told = python::checked(PyObject_GetAttrString(bridge, "in_time"));
        for (std::size_t s = 0; s < owned; s++) {
            is_.push_back(PyObject_IsTrue(PyList_GetItem(told.get(), static_cast<Py_ssize_t>(s))) == 1);
        }
    }

    bool is(std::size_t s) const { return is_[s]; }
    bool any() const { return std::find(is_.begin(), is_.end(), true) != is_.end(); }
    double behind(std::size_t s) const { return minutes_[s]; }
    const std::vector<double>& minutes() const { return minutes_; }

    /// From here on the field is the host's own, which may be far from what it comes to.
    void begin(std::size_t s, double short_step) {
        minutes_[s] = 0.0;
        change(s, short_step);
    }
    void pass(std::size_t s, double dt) { minutes_[s] += dt; }
    void change(std::size_t s, double short_step) {
        changed_[s] = 1;
        next_[s] = short_step;
    }
    void stepped(std::size_t s) {
        const bool followed = minutes_[s] > 0.9 * next_[s]; // and not cut short by a step of the host
        if (followed) next_[s] *= kLonger;
        minutes_[s] = 0.0;
        changed_[s] = 0;
    }

    /// Whether a change is to be followed in this call of `dt`, be it between the host's steps.
    bool due(std::size_t s, double dt) const { return minutes_[s] > next_[s] - 0.5 * dt; }

    /// For each substrate the field that its step starts from, where others have changed it; None for all else.
    PyObject* starts(const std::vector<std::vector<double>>& fields) const {
        PyObject* list = PyList_New(static_cast<Py_ssize_t>(is_.size()));
        for (std::size_t s = 0; list != nullptr && s < is_.size(); s++) {
            PyObject* start = Py_None;
            if (is_[s] && changed_[s]) start = python::view(fields[s]);
            else Py_INCREF(start);
            PyList_SetItem(list, static_cast<Py_ssize_t>(s), start);
        }
        return list;
    }

    /// What a density is after somebody has made `now` of `before`, where it would be `field` by then. If the one before
    /// was of another time, then what was added is added, and where something was taken away, the same share goes.
    static double written_over(double field, double before, double now, bool late) {
        if (!late) return now;
        return now >= before ? field + (now - before) : field * (now / before);
    }

private:
    static constexpr double kLonger = 1.25;

    std::vector<bool> is_;
    std::vector<double> minutes_, next_; // behind the host; after so many of them it is to be followed
    std::vector<std::uint8_t> changed_;  // since the last step
};

} // namespace surrogate

#endif
