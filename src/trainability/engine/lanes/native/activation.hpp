// What a layer answers to its pre-activations, and the way back through it.
//
// A few common activations are written out; any other formula is a program (formula.hpp); those that look at the whole
// layer are in simplex.hpp.
#pragma once

#include <stdexcept>
#include <string>

#include "formula.hpp"
#include "normal.hpp"
#include "simplex.hpp"

namespace lanes {

template <class T> class Activation {
  public:
    using P = Pack<T>;

    explicit Activation(const Formula& formula) : formula(formula), kind(kind_named(formula.name)), machine(formula) {}

    const Formula formula;

    // Before the networks' first use: their parameters, `formula.parameters` packs.
    void prepare(const P* parameters) {
        if (formula.parameters) first = parameters[0];
        if (kind == Kind::program) machine.prepare(parameters);
    }

    bool identity() const { return kind == Kind::identity; }
    bool elementwise() const { return formula.pieces == 1 && kind < Kind::softmax; }

    // z [pieces · units][samples] gives `answer` [units][samples], and gives way to what `backward` needs.
    // `learned` [learned][units], with the slopes by them going to `more` [learned][units][samples]; `share` [units][samples]
    // as in formula.hpp.
    void forward(P* z, int units, int samples, const P* learned, const P* share, P* answer, P* more) {
        const size_t count = size_t(units) * samples;
        if (kind >= Kind::softmax) {
            for (int s = 0; s < samples; ++s) share_out<T>(simplex(), z + s, answer + s, units, samples);
            std::copy_n(answer, count, z);
        } else if (kind != Kind::program) {
            written_out(z, answer, count);
        } else if (formula.learned.empty()) {
            machine.apply(z, count, count, share, answer, more);
        } else {
            for (int j = 0; j < units; ++j) {
                const size_t start = size_t(j) * samples;
                for (size_t k = 0; k < formula.learned.size(); ++k) machine.learn(int(k), learned[k * units + j]);
                machine.apply(z + start, count, samples, share ? share + start : nullptr, answer + start, more + start);
            }
        }
    }

    // ∂L/∂a [units][samples] becomes ∂L/∂z [pieces · units][samples]; `kept` is what `forward` left in z. The gradient
    // by what is learned is added to `by_learned` [learned][units].
    void backward(P* delta, const P* kept, int units, int samples, const P* more, P* by_learned) {
        const size_t count = size_t(units) * samples;
        if (kind >= Kind::softmax) {
            for (int s = 0; s < samples; ++s) take_back<T>(simplex(), kept + s, delta + s, units, samples);
            return;
        }
        for (size_t k = 0; k < formula.learned.size() * units; ++k) {
            const size_t unit = k % units, which = k / units;
            for (int s = 0; s < samples; ++s)
                by_learned[k] = fma(delta[unit * samples + s], more[which * count + unit * samples + s], by_learned[k]);
        }
        for (int p = formula.pieces; p-- > 0;)  // the first piece last: it takes the place of ∂L/∂a
            for (size_t i = 0; i < count; ++i) delta[p * count + i] = delta[i] * kept[p * count + i];
    }

  private:
    enum class Kind {
        program, identity, relu, leaky_relu, tanh, sigmoid, silu, gelu, elu, softmax, softmin, log_softmax, sparsemax,
    };

    const Kind kind;
    Machine<T> machine;
    P first{};  // the first parameter

    static Kind kind_named(const std::string& name) {
        const char* names[] = {"", "identity", "relu", "leaky_relu", "tanh", "sigmoid", "silu", "gelu", "elu",
                               "softmax", "softmin", "log_softmax", "sparsemax"};
        for (int i = 0; i < 13; ++i)
            if (name == names[i]) return Kind(i);
        throw std::invalid_argument("no activation " + name);
    }

    Simplex simplex() const { return Simplex(int(kind) - int(Kind::softmax)); }

    // σ(x), and its slope σ(x) σ(−x).
    static P logistic(P x, P& slope) {
        const P one = all(T(1)), e = exp_of_negative<T>(-abs<T>(x)), high = one / (e + one), low = e * high;
        slope = high * low;
        return select(x < P{}, low, high);
    }

    // answer = φ(z), and φ′(z) in place of z.
    void written_out(P* z, P* answer, size_t count) {
        const P zero{}, one = all(T(1)), number = first;
        auto loop = [&](auto function) {
            for (size_t i = 0; i < count; ++i) {
                P d;
                answer[i] = function(z[i], d);
                z[i] = d;
            }
        };
        switch (kind) {
            case Kind::identity: return loop([=](P x, P& d) { d = one; return x; });
            case Kind::relu: return loop([=](P x, P& d) { d = select(x > zero, one, zero); return larger(x, zero); });
            case Kind::leaky_relu: return loop([=](P x, P& d) { d = select(x > zero, one, number); return d * x; });
            case Kind::tanh: return loop([=](P x, P& d) { const P y = tanh<T>(x); d = fma(-y, y, one); return y; });
            case Kind::sigmoid: return loop([=](P x, P& d) { return logistic(x, d); });
            case Kind::silu:  // x σ(βx)
                return loop([=](P x, P& d) {
                    const P s = logistic(number * x, d);
                    d = fma(x, d * number, s);
                    return x * s;
                });
            case Kind::gelu:  // x Φ(x)
                return loop([=](P x, P& d) {
                    const Normal<T> normal = standard_normal<T>(x);
                    const P cdf = select(x < zero, normal.beyond, one - normal.beyond);
                    d = fma(normal.x, normal.density, cdf);
                    return x * cdf;
                });
            case Kind::elu:  // α (eˣ − 1) below 0
                return loop([=](P x, P& d) {
                    const P low = number * expm1<T>(smaller(x, zero));
                    d = select(x > zero, one, low + number);
                    return select(x > zero, x, low);
                });
            default: return;  // the others do not come here
        }
    }
};

}  // namespace lanes
