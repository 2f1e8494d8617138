// An activation and its slope, both in one pass over a layer's pre-activations.
//
// A few common ones are written out. Every other is a small program of vector operations, made from its formula and
// the formula's derivative (formulas.py), each operation run over a row of packs before the next.
#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "power.hpp"
#include "trigonometry.hpp"

namespace lanes {

// The numbers are those of formulas.py.
enum class Operation : int {
    add, subtract, multiply, divide, power, whole_power, negate, less, less_equal, greater, greater_equal, equal,
    unequal, select, exp, expm1, log, log1p, log2, sqrt, abs, sign, sin, cos, tan, sinh, cosh, tanh, arcsin, arctan,
    arcsinh, erf, erfc, sigmoid, softplus,
};

struct Instruction { int operation, target, a, b, c; };  // registers; b of a whole power is its exponent

// Registers: 0 holds x, then the parameters, then `constants`, then what instructions compute. The first `fixed`
// instructions do not depend on x.
struct Formula {
    std::string name;  // of one that is written out here, or "" for a program
    int parameters = 0;
    std::vector<double> constants;
    std::vector<Instruction> code;
    int fixed = 0, registers = 0, value = 0, slope = 0;
};

// The activation with its parameters' values, one for each network.
template <class T> class Activation {
  public:
    static constexpr int row = 8;

    explicit Activation(const Formula& formula)
        : formula(formula), kind(kind_named(formula.name)), registers(size_t(formula.registers) * row) {}

    // Before the networks' first use: their parameters, `formula.parameters` packs.
    void prepare(const Pack<T>* parameters) {
        if (formula.parameters) first = parameters[0];
        for (int i = 0; i < formula.parameters; ++i) at(1 + i)[0] = parameters[i];
        for (size_t i = 0; i < formula.constants.size(); ++i) at(1 + formula.parameters + i)[0] = all(T(formula.constants[i]));
        fixed.assign(formula.registers, 0);
        for (size_t i = 1; i <= formula.parameters + formula.constants.size(); ++i) fixed[i] = 1;
        for (int i = 0; i < formula.fixed; ++i) {
            run(formula.code[i], 1);
            fixed[formula.code[i].target] = 1;
        }
    }

    bool identity() const { return kind == Kind::identity; }

    // answer = φ(z), slope = φ′(z) for `count` packs; `slope` may be `z`.
    void apply(const Pack<T>* z, Pack<T>* answer, Pack<T>* slope, size_t count) {
        using P = Pack<T>;
        const P zero{}, one = all(T(1)), number = first;
        auto loop = [&](auto function) {
            for (size_t i = 0; i < count; ++i) {
                P d;
                answer[i] = function(z[i], d);
                slope[i] = d;
            }
        };
        switch (kind) {
            case Kind::identity: return loop([=](P x, P& d) { d = one; return x; });
            case Kind::relu: return loop([=](P x, P& d) { d = select(x > zero, one, zero); return select(x <= zero, zero, x); });
            case Kind::leaky_relu: return loop([=](P x, P& d) { d = select(x > zero, one, number); return d * x; });
            case Kind::tanh: return loop([=](P x, P& d) { const P y = tanh<T>(x); d = one - y * y; return y; });
            case Kind::sigmoid: return loop([=](P x, P& d) { return logistic(x, d); });
            case Kind::silu:  // x σ(βx)
                return loop([=](P x, P& d) {
                    const P s = logistic(number * x, d);
                    d = s + x * (d * number);
                    return x * s;
                });
            case Kind::gelu:  // x Φ(x)
                return loop([=](P x, P& d) {
                    const Tail<T> t = tail<T>(abs<T>(x) * T(0.70710678118654752));
                    const P low = T(0.5) * t.area, cdf = select(x < zero, low, one - low);
                    d = cdf + x * (t.gauss * T(0.39894228040143268));
                    return x * cdf;
                });
            case Kind::elu:  // α (eˣ − 1) below 0
                return loop([=](P x, P& d) {
                    const P low = number * expm1<T>(select(x > zero, zero, x));
                    d = select(x > zero, one, low + number);
                    return select(x > zero, x, low);
                });
            case Kind::program: break;
        }
        for (size_t i = 0; i < count; i += row) {
            const int n = int(std::min<size_t>(row, count - i));
            std::copy_n(z + i, n, at(0));
            for (size_t k = formula.fixed; k < formula.code.size(); ++k) run(formula.code[k], n);
            for (int j = 0; j < n; ++j) {
                answer[i + j] = at(formula.value)[fixed[formula.value] ? 0 : j];
                slope[i + j] = at(formula.slope)[fixed[formula.slope] ? 0 : j];
            }
        }
    }

  private:
    enum class Kind { program, identity, relu, leaky_relu, tanh, sigmoid, silu, gelu, elu };

    const Formula formula;
    const Kind kind;
    std::vector<Pack<T>> registers;
    std::vector<char> fixed;  // whether a register holds one pack for the whole row
    Pack<T> first{};  // the first parameter

    static Kind kind_named(const std::string& name) {
        const char* names[] = {"", "identity", "relu", "leaky_relu", "tanh", "sigmoid", "silu", "gelu", "elu"};
        for (int i = 0; i < 9; ++i)
            if (name == names[i]) return Kind(i);
        throw std::invalid_argument("no activation " + name);
    }

    // σ(x), and its slope σ(x) σ(−x).
    static Pack<T> logistic(Pack<T> x, Pack<T>& slope) {
        const Pack<T> one = all(T(1)), e = exp<T>(-abs<T>(x)), high = one / (e + one), low = e * high;
        slope = high * low;
        return select(x < Pack<T>{}, low, high);
    }

    Pack<T>* at(size_t number) { return registers.data() + number * row; }

    void run(const Instruction& step, int n) {
        Pack<T>* const target = at(step.target);
        const Pack<T>* const a = at(step.a);
        const int da = !fixed[step.a];
        auto one = [&](auto function) { for (int i = 0; i < n; ++i) target[i] = function(a[i * da]); };
        auto two = [&](auto function) {
            const Pack<T>* const b = at(step.b);
            const int db = !fixed[step.b];
            for (int i = 0; i < n; ++i) target[i] = function(a[i * da], b[i * db]);
        };
        auto compare = [&](auto function) { two([&](Pack<T> x, Pack<T> y) { return from_bits<T>(function(x, y)); }); };
        using P = Pack<T>;
        switch (Operation(step.operation)) {
            case Operation::add: return two([](P x, P y) { return x + y; });
            case Operation::subtract: return two([](P x, P y) { return x - y; });
            case Operation::multiply: return two([](P x, P y) { return x * y; });
            case Operation::divide: return two([](P x, P y) { return x / y; });
            case Operation::power: return two([](P x, P y) { return lanes::pow<T>(x, y); });
            case Operation::whole_power: return one([&](P x) { return whole_power(x, step.b); });
            case Operation::negate: return one([](P x) { return -x; });
            case Operation::less: return compare([](P x, P y) { return x < y; });
            case Operation::less_equal: return compare([](P x, P y) { return x <= y; });
            case Operation::greater: return compare([](P x, P y) { return x > y; });
            case Operation::greater_equal: return compare([](P x, P y) { return x >= y; });
            case Operation::equal: return compare([](P x, P y) { return x == y; });
            case Operation::unequal: return compare([](P x, P y) { return x != y; });
            case Operation::select: {
                const P *const b = at(step.b), *const c = at(step.c);
                const int db = !fixed[step.b], dc = !fixed[step.c];
                for (int i = 0; i < n; ++i) target[i] = lanes::select(bits<T>(a[i * da]), b[i * db], c[i * dc]);
                return;
            }
            case Operation::exp: return one([](P x) { return lanes::exp<T>(x); });
            case Operation::expm1: return one([](P x) { return lanes::expm1<T>(x); });
            case Operation::log: return one([](P x) { return lanes::log<T>(x); });
            case Operation::log1p: return one([](P x) { return lanes::log1p<T>(x); });
            case Operation::log2: return one([](P x) { return lanes::log2<T>(x); });
            case Operation::sqrt: return one([](P x) { return lanes::sqrt(x); });
            case Operation::abs: return one([](P x) { return lanes::abs<T>(x); });
            case Operation::sign:
                return one([](P x) { return lanes::select(x == P{}, P{}, lanes::select(x == x, copysign<T>(all(T(1)), x), x)); });
            case Operation::sin: return one([](P x) { return lanes::sin<T>(x); });
            case Operation::cos: return one([](P x) { return lanes::cos<T>(x); });
            case Operation::tan: return one([](P x) { return lanes::tan<T>(x); });
            case Operation::sinh: return one([](P x) { return lanes::sinh<T>(x); });
            case Operation::cosh: return one([](P x) { return lanes::cosh<T>(x); });
            case Operation::tanh: return one([](P x) { return lanes::tanh<T>(x); });
            case Operation::arcsin: return one([](P x) { return lanes::asin<T>(x); });
            case Operation::arctan: return one([](P x) { return lanes::atan<T>(x); });
            case Operation::arcsinh: return one([](P x) { return lanes::asinh<T>(x); });
            case Operation::erf: return one([](P x) { return lanes::erf<T>(x); });
            case Operation::erfc: return one([](P x) { return lanes::erfc<T>(x); });
            case Operation::sigmoid: return one([](P x) { return lanes::sigmoid<T>(x); });
            case Operation::softplus: return one([](P x) { return lanes::softplus<T>(x); });
        }
    }

    static Pack<T> whole_power(Pack<T> x, int exponent) {
        Pack<T> result = all(T(1));
        for (int left = std::abs(exponent); left; left >>= 1, x = x * x)
            if (left & 1) result = result * x;
        return exponent < 0 ? T(1) / result : result;
    }
};

}  // namespace lanes
