// A formula as a small program of vector operations (formulas.py makes it), with the slopes that the chain rule needs:
// of the value by each of the unit's pre-activations and by each learned parameter.
//
// Each operation runs over a row of packs before the next, so that nothing is looked up for every number.
#pragma once

#include <algorithm>
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

// Registers: a unit's pre-activations, its parameters, the drawn number if there is one, `constants`, then what
// instructions compute. The first `fixed` instructions need neither pre-activations nor what is learned or drawn.
struct Formula {
    std::string name;                // of one that is written out in activation.hpp, or "" for a program
    int pieces = 1, parameters = 0;  // pre-activations of a unit
    std::vector<int> learned;        // parameters of which each unit has its own, found by training
    std::vector<int> drawn;          // the two parameters between which a number is drawn, or nothing
    std::vector<double> constants;
    std::vector<Instruction> code;
    int fixed = 0, registers = 0, value = 0;
    std::vector<int> slopes;  // by each pre-activation, then by each learned parameter
};

template <class T> class Machine {
  public:
    using P = Pack<T>;
    static constexpr int row = 8;

    explicit Machine(const Formula& formula) : formula(formula), registers(size_t(formula.registers) * row) {}

    // The parameters' values, one for each network.
    void prepare(const P* parameters) {
        constant.assign(formula.registers, 0);
        const int constants = formula.pieces + formula.parameters + !formula.drawn.empty();
        for (int i = 0; i < formula.parameters; ++i) set(formula.pieces + i, parameters[i]);
        if (!formula.drawn.empty()) {
            low = parameters[formula.drawn[0]], high = parameters[formula.drawn[1]];
            set(place_of_drawn(), T(0.5) * (low + high));
        }
        for (size_t i = 0; i < formula.constants.size(); ++i) set(constants + int(i), all(T(formula.constants[i])));
        for (int i = 0; i < formula.fixed; ++i) {
            run(formula.code[i], 1);
            constant[formula.code[i].target] = 1;
        }
    }

    // What a unit has learned: parameter `which` of `formula.learned`.
    void learn(int which, P value) { set(formula.pieces + formula.learned[which], value); }

    // For `count` answers: the value, and each slope. Pre-activation p of answer i is z[p · stride + i], and gives way to
    // the slope by it; slopes by what is learned go to more[which · stride + i]. `share`: how far on the way from the
    // lower to the upper parameter the drawn number lies; without it, it is their mean.
    void apply(P* z, size_t stride, size_t count, const P* share, P* answer, P* more) {
        const int pieces = formula.pieces;
        if (!formula.drawn.empty()) constant[place_of_drawn()] = !share;
        for (size_t i = 0; i < count; i += row) {
            const int n = int(std::min<size_t>(row, count - i));
            for (int p = 0; p < pieces; ++p) std::copy_n(z + p * stride + i, n, at(p));
            if (share)
                for (int j = 0; j < n; ++j) at(place_of_drawn())[j] = low + (high - low) * share[i + j];
            for (size_t k = formula.fixed; k < formula.code.size(); ++k) run(formula.code[k], n);
            hand_over(formula.value, answer + i, n);
            for (int p = 0; p < int(formula.slopes.size()); ++p)
                hand_over(formula.slopes[p], p < pieces ? z + p * stride + i : more + (p - pieces) * stride + i, n);
        }
        if (share) set(place_of_drawn(), T(0.5) * (low + high));
    }

  private:
    const Formula formula;
    std::vector<P> registers;
    std::vector<char> constant;  // whether a register holds one pack for the whole row
    P low{}, high{};             // what the drawn number lies between

    P* at(int number) { return registers.data() + size_t(number) * row; }
    int place_of_drawn() const { return formula.pieces + formula.parameters; }

    void set(int number, P value) {
        at(number)[0] = value;
        constant[number] = 1;
    }

    void hand_over(int number, P* target, int n) {
        const P* const from = at(number);
        if (constant[number]) std::fill_n(target, n, from[0]);
        else std::copy_n(from, n, target);
    }

    void run(const Instruction& step, int n) {
        P* const target = at(step.target);
        const P* const a = at(step.a);
        const int da = !constant[step.a];
        auto one = [&](auto function) { for (int i = 0; i < n; ++i) target[i] = function(a[i * da]); };
        auto two = [&](auto function) {
            const P* const b = at(step.b);
            const int db = !constant[step.b];
            for (int i = 0; i < n; ++i) target[i] = function(a[i * da], b[i * db]);
        };
        auto compare = [&](auto function) { two([&](Pack<T> x, Pack<T> y) { return from_bits<T>(function(x, y)); }); };
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
                const int db = !constant[step.b], dc = !constant[step.c];
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

    static P whole_power(P x, int exponent) {
        P result = all(T(1));
        for (int left = std::abs(exponent); left; left >>= 1, x = x * x)
            if (left & 1) result = result * x;
        return exponent < 0 ? T(1) / result : result;
    }
};

}  // namespace lanes
