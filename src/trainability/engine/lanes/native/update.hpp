// From the gradient to the next parameters: penalties, clipping, the optimiser's step, decay.
#pragma once

#include <vector>

#include "network.hpp"
#include "optimizer.hpp"
#include "schedule.hpp"

namespace lanes {

// The columns of a trial's numbers; parameters of the entries follow: activation, output, loss, optimiser, schedule.
enum Number {
    rate, threshold, dropout, clip, l1, l2, decay, patience, largest_slope, output_slope, entries,
};
enum Entry { activation_entry, output_entry, loss_entry, optimizer_entry, schedule_entry };

// What an update needs to know of all trials.
struct Penalties { bool clip = false, l1 = false, l2 = false, decay = false; };

// What an optimiser keeps of a register of networks.
template <class T> struct Weights {
    std::vector<Pack<T>> now, next, memory[3];
    double powers[2][width<T>];  // β₁ᵗ, β₂ᵗ
};

template <class T> class Update {
  public:
    using P = Pack<T>;

    Update(const std::vector<Layer>& layers, Optimizer optimizer, Schedule schedule, Penalties penalties,
           const std::vector<int>& offsets, int64_t steps)
        : layers(layers), optimizer(optimizer), schedule(schedule), penalties(penalties), offsets(offsets), steps(steps) {}

    // Before the first step; `parameters` (networks, all).
    void start(Weights<T>& weights, std::vector<P> parameters, const std::vector<P>& numbers) const {
        const size_t size = parameters.size();
        weights.now = std::move(parameters);
        weights.next.resize(size);
        const Rule<T> rule{optimizer, numbers.data() + offsets[optimizer_entry]};
        for (int i = 0; i < memories(optimizer); ++i) weights.memory[i].assign(size, rule.start(i));
        for (double(&powers)[width<T>] : weights.powers) std::fill_n(powers, width<T>, 1);
    }

    // The parameters after step `step` in `next`, for a gradient of a loss `value`. 0 for each network that stays
    // finite, else NaN. The gradient is used up.
    P propose(Weights<T>& weights, const std::vector<P>& numbers, std::vector<P>& gradient, P value, int64_t step) const {
        if (penalties.l1 || penalties.l2) value = value + penalize(weights.now, numbers, gradient);
        if (penalties.clip) clip(numbers[Number::clip], gradient);
        const P rate = speed(numbers, step), shrink = penalties.decay ? rate * numbers[Number::decay] : P{};
        P poison = value * P{};
        Rule<T> rule = rule_of(weights, numbers, step);
        if (optimizer == Optimizer::lamb) {
            rule.with([&](auto direction) { trust(direction, weights, gradient); });
            rule.optimizer = Optimizer::sgd;
        }
        rule.with([&](auto direction) {
            // Copies of its own: what is reached by reference is read from memory, and written there, for every weight.
            P unused[3]{}, broken = poison;
            const P pace = rate, fall = shrink;
            const P *const now = weights.now.data(), *const slope = gradient.data();
            P *const next = weights.next.data(), *m[3];
            size_t d[3];
            for (int i = 0; i < 3; ++i) {
                d[i] = !weights.memory[i].empty();
                m[i] = d[i] ? weights.memory[i].data() : &unused[i];
            }
            for (const Layer& layer : layers)
                for (size_t i = layer.weights, biases = layer.biases, end = layer.end; i < end; ++i) {
                    const P w = now[i];
                    P moved = w - pace * direction(slope[i], w, m[0][i * d[0]], m[1][i * d[1]], m[2][i * d[2]]);
                    if (i < biases) moved = moved - fall * w;
                    next[i] = moved;
                    broken = fma(moved, P{}, broken);
                }
            poison = broken;
        });
        return poison;
    }

  private:
    const std::vector<Layer> layers;
    const Optimizer optimizer;
    const Schedule schedule;
    const Penalties penalties;
    const std::vector<int> offsets;
    const int64_t steps;

    // Adds the gradient of λ₁ Σ|w| + λ₂ Σw² over the weight matrices; the penalty itself.
    P penalize(const std::vector<P>& now, const std::vector<P>& numbers, std::vector<P>& gradient) const {
        const P l1 = penalties.l1 ? numbers[Number::l1] : P{}, l2 = penalties.l2 ? numbers[Number::l2] : P{};
        P sum{};
        for (const Layer& layer : layers)
            for (size_t i = layer.weights; i < layer.biases; ++i) {
                const P w = now[i];
                sum = sum + l1 * abs<T>(w) + l2 * (w * w);
                gradient[i] = gradient[i] + select(w >= P{}, l1, -l1) + (l2 + l2) * w;
            }
        return sum;
    }

    // Makes the gradient no longer than `longest`.
    static void clip(P longest, std::vector<P>& gradient) {
        P squares{};
        for (const P& g : gradient) squares = squares + g * g;
        const P share = longest / larger(sqrt(squares), all(std::numeric_limits<T>::min())), one = all(T(1));
        const P shrink = select(share > one, one, share);
        for (P& g : gradient) g = g * shrink;
    }

    P speed(const std::vector<P>& numbers, int64_t step) const {
        P result = numbers[Number::rate];
        if (schedule == Schedule::constant) return result;
        const P* const p = numbers.data() + offsets[schedule_entry];
        const bool two = offsets[schedule_entry + 1] - offsets[schedule_entry] > 1;
        const T progress = T(step) / T(steps);
        for (int w = 0; w < width<T>; ++w) result[w] *= factor<T>(schedule, progress, p[0][w], two ? p[1][w] : T(0));
        return result;
    }

    // The optimiser's rule at this step.
    Rule<T> rule_of(Weights<T>& weights, const std::vector<P>& numbers, int64_t step) const {
        const P* const p = numbers.data() + offsets[optimizer_entry];
        Rule<T> rule{optimizer, p};
        if (optimizer < Optimizer::adam || optimizer == Optimizer::lion) return rule;
        for (int w = 0; w < width<T>; ++w) {
            const double b1 = p[0][w], b2 = p[1][w];
            const double first = weights.powers[0][w] *= b1, second = weights.powers[1][w] *= b2;
            rule.first[w] = T(1 / (1 - first));
            rule.second[w] = T(1 / (1 - second));
            rule.ahead[w] = T(1 / (1 - first * b1));
            if (optimizer != Optimizer::radam) continue;
            const double most = 2 / (1 - b2) - 1, length = most - 2 * double(step + 1) * second / (1 - second);
            const double share = (length - 4) * (length - 2) * most / ((most - 4) * (most - 2) * length);
            rule.rectifier[w] = length >= 5 ? T(std::sqrt(share)) : T(0);
        }
        return rule;
    }

    // Directions in place of gradients, those of each array of parameters as long as the array.
    template <class Direction> void trust(Direction direction, Weights<T>& weights, std::vector<P>& gradient) const {
        for (const Layer& layer : layers) {
            const size_t bounds[] = {layer.weights, layer.biases, layer.factor, layer.shift, layer.learned, layer.end};
            for (int part = 0; part < 5; ++part) {
                P own{}, step{}, unused{};
                for (size_t i = bounds[part]; i < bounds[part + 1]; ++i) {
                    const P w = weights.now[i];
                    const P d = direction(gradient[i], w, weights.memory[0][i], weights.memory[1][i], unused);
                    own = own + w * w, step = step + d * d;
                    gradient[i] = d;
                }
                const P zero{}, ratio = select((own == zero) | (step == zero), all(T(1)), sqrt(own) / sqrt(step));
                for (size_t i = bounds[part]; i < bounds[part + 1]; ++i) gradient[i] = gradient[i] * ratio;
            }
        }
    }
};

}  // namespace lanes
