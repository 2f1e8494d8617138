// Optimisers: from a weight's gradient and its memory to the direction in which the weight moves, times the rate.
// The formulas are optax's, operation by operation.
#pragma once

#include <stdexcept>
#include <string>

#include "vector_math.hpp"

namespace lanes {

enum class Optimizer {
    sgd, momentum, nesterov, sign_sgd, adagrad, adadelta, rmsprop, adam, adamw, adamax, nadam, amsgrad, adabelief, yogi,
    radam, lamb, lion,
};

inline Optimizer optimizer_named(const std::string& name) {
    const char* names[] = {"sgd", "momentum", "nesterov", "sign_sgd", "adagrad", "adadelta", "rmsprop", "adam",
                           "adamw", "adamax", "nadam", "amsgrad", "adabelief", "yogi", "radam", "lamb", "lion"};
    for (int i = 0; i < 17; ++i)
        if (name == names[i]) return Optimizer(i);
    throw std::invalid_argument("no optimiser " + name);
}

// How many numbers an optimiser remembers of each weight.
inline int memories(Optimizer optimizer) {
    switch (optimizer) {
        case Optimizer::sgd: case Optimizer::sign_sgd: return 0;
        case Optimizer::momentum: case Optimizer::nesterov: case Optimizer::adagrad: case Optimizer::rmsprop:
        case Optimizer::lion: return 1;
        case Optimizer::amsgrad: return 3;
        default: return 2;
    }
}

// How many parameters an optimiser has.
inline int parameters_of(Optimizer optimizer) {
    switch (optimizer) {
        case Optimizer::sgd: case Optimizer::sign_sgd: return 0;
        case Optimizer::momentum: case Optimizer::nesterov: return 1;
        case Optimizer::adagrad: case Optimizer::adadelta: case Optimizer::rmsprop: return 2;
        case Optimizer::adamw: case Optimizer::lamb: return 4;
        default: return 3;
    }
}

template <class T> inline Pack<T> sign(Pack<T> x) {
    return select(x > Pack<T>{}, all(T(1)), select(x < Pack<T>{}, all(T(-1)), x));
}

// An optimiser's numbers at one step. `p` are its parameters in the catalogue's order.
template <class T> struct Rule {
    Optimizer optimizer;
    const Pack<T>* p;
    // What Adam's running means are multiplied by, because they started at 0: 1 / (1 − βᵗ).
    Pack<T> first{}, second{}, ahead{};
    Pack<T> rectifier{};  // of RAdam; 0 while it does not trust the second moment yet

    // The first value of memory `which`.
    Pack<T> start(int) const {
        if (optimizer == Optimizer::adagrad) return p[0];
        if (optimizer == Optimizer::yogi) return all(T(1e-6));
        return Pack<T>{};
    }

    // Calls `loop` with the optimiser's function (gradient, weight, memories) -> direction.
    template <class Loop> void with(Loop loop) const {
        using P = Pack<T>;
        const P one = all(T(1)), zero{};
        const int count = parameters_of(optimizer);
        const P p0 = count > 0 ? p[0] : zero, p1 = count > 1 ? p[1] : zero, p2 = count > 2 ? p[2] : zero;
        const P m_share = one - p0, v_share = one - p1, first = this->first, second = this->second, ahead = this->ahead;
        auto moment = [=](P g, P& m) { return m = m_share * g + p0 * m; };
        auto square = [=](P g, P& v) { return v = v_share * (g * g) + p1 * v; };
        auto adam = [=](P g, P& m, P& v) {
            moment(g, m);
            square(g, v);
            return m * first / (sqrt(v * second) + p2);
        };
        switch (optimizer) {
            case Optimizer::sgd: return loop([](P g, P, P&, P&, P&) { return g; });
            case Optimizer::sign_sgd: return loop([](P g, P, P&, P&, P&) { return sign<T>(g); });
            case Optimizer::momentum: return loop([=](P g, P, P& m, P&, P&) { return m = g + p0 * m; });
            case Optimizer::nesterov: return loop([=](P g, P, P& m, P&, P&) { m = g + p0 * m; return g + p0 * m; });
            case Optimizer::adagrad:
                return loop([=](P g, P, P& v, P&, P&) {
                    v = g * g + v;
                    return select(v > zero, g / sqrt(v + p1), zero);
                });
            case Optimizer::rmsprop:
                return loop([=](P g, P, P& v, P&, P&) { v = m_share * (g * g) + p0 * v; return g / (sqrt(v) + p1); });
            case Optimizer::adadelta:
                return loop([=](P g, P, P& v, P& moved, P&) {
                    v = m_share * (g * g) + p0 * v;
                    const P direction = sqrt(moved + p1) / sqrt(v + p1) * g;
                    moved = m_share * (direction * direction) + p0 * moved;
                    return direction;
                });
            case Optimizer::adam: return loop([=](P g, P, P& m, P& v, P&) { return adam(g, m, v); });
            case Optimizer::radam: {
                const P rectifier = this->rectifier;
                return loop([=](P g, P, P& m, P& v, P&) {
                    moment(g, m);
                    square(g, v);
                    const P mean = m * first;
                    return select(rectifier > zero, rectifier * mean / (sqrt(v * second) + p2), mean);
                });
            }
            case Optimizer::adamw: case Optimizer::lamb: {
                const P decay = p[3];
                return loop([=](P g, P w, P& m, P& v, P&) { return adam(g, m, v) + decay * w; });
            }
            case Optimizer::adamax:
                return loop([=](P g, P, P& m, P& v, P&) {
                    moment(g, m);
                    v = larger(abs<T>(g) + p2, p1 * v);
                    return m * first / v;
                });
            case Optimizer::nadam:
                return loop([=](P g, P, P& m, P& v, P&) {
                    moment(g, m);
                    square(g, v);
                    return (p0 * (m * ahead) + m_share * (g * first)) / (sqrt(v * second) + p2);
                });
            case Optimizer::amsgrad:
                return loop([=](P g, P, P& m, P& v, P& most) {
                    moment(g, m);
                    most = larger(most, square(g, v) * second);
                    return m * first / (sqrt(most) + p2);
                });
            case Optimizer::adabelief:
                return loop([=](P g, P, P& m, P& v, P&) {
                    square(g - moment(g, m), v);
                    v = v + p2;
                    return m * first / (sqrt(v * second) + p2);
                });
            case Optimizer::yogi:
                return loop([=](P g, P, P& m, P& v, P&) {
                    moment(g, m);
                    v = v - v_share * sign<T>(v - g * g) * (g * g);
                    return m * first / (sqrt(v * second) + p2);
                });
            case Optimizer::lion:
                return loop([=](P g, P w, P& m, P&, P&) {
                    const P direction = sign<T>(m_share * g + p0 * m);
                    m = v_share * g + p1 * m;
                    return direction + p2 * w;
                });
        }
    }
};

}  // namespace lanes
