// Training: blocks of trials, in groups that fill a register's lanes, each group for many steps at a time so that all
// of it stays in the cache.
#pragma once

#include <chrono>
#include <numeric>

#include "loss.hpp"
#include "network.hpp"
#include "optimizer.hpp"
#include "random.hpp"
#include "schedule.hpp"

namespace lanes {

// What trials of a block have in common; the words are those of `engine.interface.Program`.
struct Settings {
    std::vector<int> widths;  // of the inputs, of every hidden layer, of the outputs
    bool residual = false;
    std::string loss, optimizer, schedule;
    int batch = 0;
    bool labels = true;
    double boundary = 0;   // the output above which a single unit answers 1
    int metric = 0;        // of the target: train loss, train score, validation loss, validation score
    bool at_least = true;
    bool clip = false, l1 = false, l2 = false, decay = false, patience = false;
    int64_t steps = 0;
    Formula hidden, output;
};

// Samples shared by all trials, inputs and encoded targets, one sample after the other.
template <class T> struct Samples {
    const T *x = nullptr, *y = nullptr;
    int count = 0, inputs = 0, outputs = 0;
    T spread = 0;  // Σ (y − mean)² of a regression
};

// The columns of a trial's numbers; parameters of the entries follow: activation, output, loss, optimiser, schedule.
enum Number { rate, threshold, clip, l1, l2, decay, patience, entries };

template <class T> class Block {
  public:
    using P = Pack<T>;
    using M = Mask<T>;
    static constexpr int lanes = width<T>;
    static constexpr int slice = 32;          // samples of a pass; gradients of larger batches are summed over passes
    static constexpr int measured = 256;      // samples that vital signs are taken on, at most

    struct Group {
        std::vector<P> parameters, next, memory[3], numbers;
        std::vector<uint32_t> order;  // [lane][sample]
        Words key[lanes];
        M alive;
        P best, waited;
        double powers[2][lanes];  // β₁ᵗ, β₂ᵗ
        int64_t step = 0, first_step[lanes], nan_step[lanes], stop_step[lanes];
    };

    // `parameters` (trials, weights and biases), `numbers` (trials, columns) and `keys` (trials, 2); the number of
    // trials is a multiple of the lanes. `offsets`: where each entry's parameters begin among the numbers.
    Block(const Settings& settings, Samples<T> train, Samples<T> validation, int trials, const T* parameters,
          const T* numbers, int columns, const std::vector<int>& offsets, const uint32_t* keys)
        : settings(settings), train(train), validation(validation), offsets(offsets), loss(loss_named(settings.loss)),
          optimizer(optimizer_named(settings.optimizer)), schedule(schedule_named(settings.schedule)),
          layers(layers_of(settings.widths, settings.residual)),
          size(layers.back().biases + layers.back().fan_out),
          network(layers, std::max(std::min(slice, largest_pass()), std::min(measured, train.count)), settings.hidden, settings.output),
          gradient(size), groups(trials / lanes) {
        const int most = std::max(std::min(slice, largest_pass()), std::min(measured, train.count));
        fed.resize(size_t(train.inputs) * most);
        wanted.resize(size_t(train.outputs) * most);
        for (size_t g = 0; g < groups.size(); ++g) {
            Group& group = groups[g];
            const size_t first = g * lanes;
            group.parameters = packed(parameters + first * size, size);
            group.next.resize(size);
            group.numbers = packed(numbers + first * columns, columns);
            group.alive = M{} - 1;
            group.best = all(std::numeric_limits<T>::infinity());
            group.waited = P{};
            const Rule<T> rule{optimizer, group.numbers.data() + offsets[3]};
            for (int i = 0; i < memories(optimizer); ++i) group.memory[i].assign(size, rule.start(i));
            if (settings.batch) group.order.resize(size_t(lanes) * train.count);
            for (int w = 0; w < lanes; ++w) {
                group.key[w] = {keys[2 * (first + w)], keys[2 * (first + w) + 1]};
                group.powers[0][w] = group.powers[1][w] = 1;
                group.first_step[w] = group.nan_step[w] = group.stop_step[w] = -1;
                for (size_t s = 0; s < group.order.size() / lanes; ++s) group.order[w * train.count + s] = uint32_t(s);
            }
        }
    }

    // Train every group up to step `until`, for about `seconds`. Whether all have come there.
    bool advance(int64_t until, double seconds) {
        const FlushDenormals flush;
        const auto begun = std::chrono::steady_clock::now();
        for (Group& group : groups) {
            if (group.step >= until) continue;
            enter(group);
            while (group.step < until) {
                if (!any<T>(group.alive)) { group.step = until; break; }  // nobody is left to train
                step(group);
                if (group.step % 8 == 0 &&
                    std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count() > seconds)
                    return &group == &groups.back() && group.step >= until;
            }
        }
        return true;
    }

    // Steps done, summed over groups.
    int64_t done() const {
        int64_t sum = 0;
        for (const Group& group : groups) sum += group.step;
        return sum;
    }

    // The four scores of every trial, (trials, 4).
    void scores(T* result) {
        const FlushDenormals flush;
        for (size_t g = 0; g < groups.size(); ++g) {
            enter(groups[g]);
            P four[4];
            evaluate(groups[g], train, four[0], four[1]);
            evaluate(groups[g], validation, four[2], four[3]);
            for (int w = 0; w < lanes; ++w)
                for (int i = 0; i < 4; ++i) result[(g * lanes + w) * 4 + i] = four[i][w];
        }
    }

    // What the vital signs of one layer look at, arrays [fan_out][samples][lanes]; the gradient [fan_in][fan_out][lanes].
    struct View { P *pre_activation, *answer, *slope, *gradient; };

    // Vital signs are taken on every stride()th training sample, which are looked_at() in all.
    int stride() const { return (train.count + measured - 1) / measured; }
    int looked_at() const { return (train.count + stride() - 1) / stride(); }

    // The inside of every layer of group g on those samples.
    void inside(size_t g, const std::vector<View>& views) {
        const FlushDenormals flush;
        Group& group = groups[g];
        enter(group);
        const int samples = looked_at();
        std::vector<std::vector<P>> kept;
        for (const Layer& layer : layers) kept.emplace_back(size_t(layer.fan_out) * samples);
        spread_out(train, 0, samples, stride());
        const P* outputs = network.forward(group.parameters.data(), fed.data(), samples, &kept);
        P value{}, credit{};
        judge(group, outputs, samples, T(1) / T(samples), value, credit);
        for (size_t l = 0; l < layers.size(); ++l) {
            const size_t count = size_t(layers[l].fan_out) * samples;
            std::copy_n(kept[l].data(), count, views[l].pre_activation);
            std::copy_n(network.answers(l), count, views[l].answer);
            std::copy_n(network.slopes(l), count, views[l].slope);
        }
        network.backward(group.parameters.data(), gradient.data(), samples, true);
        for (size_t l = 0; l < layers.size(); ++l)
            std::copy_n(gradient.data() + layers[l].weights, size_t(layers[l].fan_in) * layers[l].fan_out, views[l].gradient);
    }

    // Parameters of every trial, (trials, weights and biases).
    void parameters(T* result) const {
        for (size_t g = 0; g < groups.size(); ++g)
            for (int w = 0; w < lanes; ++w)
                for (size_t i = 0; i < size; ++i) result[(g * lanes + w) * size + i] = groups[g].parameters[i][w];
    }

    size_t trials() const { return groups.size() * lanes; }

    const Settings settings;
    const Samples<T> train, validation;
    const std::vector<int> offsets;
    const Loss loss;
    const Optimizer optimizer;
    const Schedule schedule;
    const std::vector<Layer> layers;
    const size_t size;  // parameters of one network
    const Group& group(size_t g) const { return groups[g]; }
    size_t group_count() const { return groups.size(); }

  private:
    Network<T> network;
    std::vector<P> gradient, fed, wanted;  // of the running pass: the gradient, inputs and targets [unit][sample]
    std::vector<Group> groups;
    const T* held = nullptr;  // the samples that `fed` and `wanted` hold for every network alike, if any
    int held_first = 0, held_count = 0, held_stride = 0;

    int largest_pass() const { return std::max({settings.batch ? settings.batch : train.count, train.count, validation.count}); }

    static std::vector<P> packed(const T* rows, size_t columns) {
        std::vector<P> result(columns);
        for (size_t i = 0; i < columns; ++i)
            for (int w = 0; w < lanes; ++w) result[i][w] = rows[w * columns + i];
        return result;
    }

    const P* numbers_of(const Group& group, int entry) const { return group.numbers.data() + offsets[entry]; }

    void enter(const Group& group) {
        network.hidden.prepare(numbers_of(group, 0));
        network.output.prepare(numbers_of(group, 1));
    }

    // Samples first, first + stride, … as the inputs and targets of every network.
    void spread_out(const Samples<T>& samples, int first, int count, int stride = 1) {
        if (held == samples.x && held_first == first && held_count == count && held_stride == stride) return;
        held = samples.x, held_first = first, held_count = count, held_stride = stride;
        for (int s = 0; s < count; ++s) {
            const T *const x = samples.x + size_t(first + s * stride) * samples.inputs;
            const T* const y = samples.y + size_t(first + s * stride) * samples.outputs;
            for (int i = 0; i < samples.inputs; ++i) fed[size_t(i) * count + s] = all(x[i]);
            for (int j = 0; j < samples.outputs; ++j) wanted[size_t(j) * count + s] = all(y[j]);
        }
    }

    // The samples of places [first, first + count) in each network's own order.
    void deal_out(const Group& group, int first, int count) {
        held = nullptr;
        for (int w = 0; w < lanes; ++w)
            for (int s = 0; s < count; ++s) {
                const size_t sample = group.order[size_t(w) * train.count + first + s];
                const T *const x = train.x + sample * train.inputs, *const y = train.y + sample * train.outputs;
                for (int i = 0; i < train.inputs; ++i) reinterpret_cast<T*>(&fed[size_t(i) * count + s])[w] = x[i];
                for (int j = 0; j < train.outputs; ++j) reinterpret_cast<T*>(&wanted[size_t(j) * count + s])[w] = y[j];
            }
    }

    // Adds the samples' losses and credits, and puts their derivatives, times `scale`, where `backward` starts.
    void judge(const Group& group, const P* outputs, int samples, T scale, P& value, P& credit) {
        const P* const numbers = numbers_of(group, 2);
        const P delta = loss == Loss::huber ? numbers[0] : P{};
        for (int s = 0; s < samples; ++s) {
            value = value + sample_loss<T>(loss, outputs + s, wanted.data() + s, network.derivative() + s, train.outputs,
                                           samples, delta, scale);
            credit = credit + sample_credit<T>(settings.labels, T(settings.boundary), outputs + s, wanted.data() + s, train.outputs, samples);
        }
    }

    // A sum of credits as a score: the number of right labels, or R².
    P score(P credit, const Samples<T>& samples) const {
        return settings.labels ? credit : T(1) - credit / samples.spread;
    }

    // Mean loss and score over all samples.
    void evaluate(const Group& group, const Samples<T>& samples, P& value, P& points) {
        if (samples.count == 0) {
            value = points = all(std::numeric_limits<T>::quiet_NaN());
            return;
        }
        P sum{}, credit{};
        for (int first = 0; first < samples.count; first += slice) {
            const int count = std::min(slice, samples.count - first);
            spread_out(samples, first, count);
            const P* outputs = network.forward(group.parameters.data(), fed.data(), count);
            judge(group, outputs, count, T(1), sum, credit);
        }
        value = sum / T(samples.count);
        points = score(credit, samples);
    }

    // Whether a network that still trains has not reached the target yet.
    static bool waits(const Group& group) {
        for (int w = 0; w < lanes; ++w)
            if (group.alive[w] && group.first_step[w] < 0) return true;
        return false;
    }

    // At an epoch's end: has the target been reached, has the validation loss stopped falling?
    void check(Group& group, P train_loss, P train_score, bool evaluated) {
        P value = settings.metric == 0 ? train_loss : train_score;
        if (!settings.patience && !waits(group)) return;
        if (settings.metric > 1 || !evaluated) {
            P four[2];
            evaluate(group, settings.metric > 1 ? validation : train, four[0], four[1]);
            value = four[settings.metric % 2];
        }
        const P threshold = group.numbers[Number::threshold];
        const M holds = (settings.at_least ? value >= threshold : value <= threshold) & group.alive;
        if (any<T>(holds))
            for (int w = 0; w < lanes; ++w)
                if (holds[w] && group.first_step[w] < 0) group.first_step[w] = group.step;
        if (!settings.patience) return;
        P held_out, unused;
        evaluate(group, validation, held_out, unused);
        const M better = held_out < group.best;
        group.best = select(better, held_out, group.best);
        group.waited = select(better, P{}, group.waited + T(1));
        const M ended = group.alive & (group.waited >= group.numbers[Number::patience]);
        for (int w = 0; w < lanes; ++w)
            if (ended[w]) group.stop_step[w] = group.step;
        group.alive = group.alive & ~ended;
    }

    // Every sample once in an order of each network's own: sorted by one random word each.
    void shuffle(Group& group, uint32_t epoch) {
        std::vector<uint64_t> keyed(train.count);
        for (int w = 0; w < lanes; ++w) {
            for (int s = 0; s < train.count; ++s)
                keyed[s] = uint64_t(threefry(group.key[w], {epoch, uint32_t(s)}).first) << 32 | uint32_t(s);
            std::sort(keyed.begin(), keyed.end());
            for (int s = 0; s < train.count; ++s) group.order[size_t(w) * train.count + s] = uint32_t(keyed[s]);
        }
    }

    // One step of a group: a batch, its gradient, an update.
    void step(Group& group) {
        const int batch = settings.batch ? settings.batch : train.count;
        const int64_t epoch = settings.batch ? train.count / batch : 1;
        int place = 0;
        if (settings.batch) {
            place = int(group.step % epoch) * batch;
            if (place == 0) {
                check(group, P{}, P{}, false);
                shuffle(group, uint32_t(group.step / epoch));
            }
        }
        P sum{}, credit{};
        for (int first = 0; first < batch; first += slice) {
            const int count = std::min(slice, batch - first);
            settings.batch ? deal_out(group, place + first, count) : spread_out(train, first, count);
            const P* outputs = network.forward(group.parameters.data(), fed.data(), count);
            judge(group, outputs, count, T(1) / T(batch), sum, credit);
            network.backward(group.parameters.data(), gradient.data(), count, first == 0);
        }
        const P value = sum / T(batch);
        // With all samples in the batch, the pass before the update has told how the network does.
        if (!settings.batch) check(group, value, score(credit, train), settings.metric < 2);
        update(group, value);
        ++group.step;
    }

    // The gradient of the penalties λ₁ Σ|w| + λ₂ Σw², and clipping to a largest norm; the penalty itself.
    P regularize(const Group& group) {
        const P l1 = settings.l1 ? group.numbers[Number::l1] : P{}, l2 = settings.l2 ? group.numbers[Number::l2] : P{};
        P penalty{}, squares{};
        if (settings.l1 || settings.l2)
            for (const Layer& layer : layers)
                for (size_t i = layer.weights; i < layer.biases; ++i) {
                    const P w = group.parameters[i];
                    penalty = penalty + l1 * abs<T>(w) + l2 * (w * w);
                    gradient[i] = gradient[i] + select(w >= P{}, l1, -l1) + (l2 + l2) * w;
                }
        if (settings.clip) {
            for (size_t i = 0; i < size; ++i) squares = squares + gradient[i] * gradient[i];
            const P norm = sqrt(squares), tiny = all(std::numeric_limits<T>::min());
            const P share = group.numbers[Number::clip] / max<T>(norm, tiny), one = all(T(1));
            const P shrink = select(share > one, one, share);
            for (size_t i = 0; i < size; ++i) gradient[i] = gradient[i] * shrink;
        }
        return penalty;
    }

    // The optimiser's rule at this step, for the rate `speed`.
    Rule<T> rule(Group& group) const {
        const P* const p = numbers_of(group, 3);
        Rule<T> rule{optimizer, p};
        if (optimizer < Optimizer::adam || optimizer == Optimizer::lion) return rule;
        for (int w = 0; w < lanes; ++w) {
            const double b1 = p[0][w], b2 = p[1][w];
            rule.first[w] = T(1 / (1 - (group.powers[0][w] *= b1)));
            rule.second[w] = T(1 / (1 - (group.powers[1][w] *= b2)));
            rule.ahead[w] = T(1 / (1 - group.powers[0][w] * b1));
        }
        return rule;
    }

    P speed(const Group& group) const {
        P result = group.numbers[Number::rate];
        if (schedule == Schedule::constant) return result;
        const P* const p = numbers_of(group, 4);
        const T progress = T(group.step) / T(settings.steps);
        for (int w = 0; w < lanes; ++w)
            result[w] *= factor<T>(schedule, progress, p[0][w], offsets[5] - offsets[4] > 1 ? p[1][w] : T(0));
        return result;
    }

    // New parameters; a network that they, or its loss, would make infinite or NaN keeps its old ones and ends.
    void update(Group& group, P value) {
        const P penalty = settings.l1 || settings.l2 || settings.clip ? regularize(group) : P{};
        const P rate = speed(group), shrink = settings.decay ? rate * group.numbers[Number::decay] : P{};
        P poison = (value + penalty) * P{};  // 0, or NaN once anything was not finite
        rule(group).with([&](auto direction) {
            P unused[3]{};
            const P* const now = group.parameters.data();
            P *const next = group.next.data(), *m[3];
            bool held[3];
            for (int i = 0; i < 3; ++i) {
                held[i] = !group.memory[i].empty();
                m[i] = held[i] ? group.memory[i].data() : &unused[i];
            }
            const size_t d[3] = {size_t(held[0]), size_t(held[1]), size_t(held[2])};
            for (const Layer& layer : layers) {
                const size_t end = layer.biases + layer.fan_out;
                for (size_t i = layer.weights; i < end; ++i) {
                    const P w = now[i];
                    P moved = w - rate * direction(gradient[i], w, m[0][i * d[0]], m[1][i * d[1]], m[2][i * d[2]]);
                    if (i < layer.biases) moved = moved - shrink * w;
                    next[i] = moved;
                    poison = fma(moved, P{}, poison);
                }
            }
        });
        const M fine = poison == P{}, go = group.alive & fine;
        if (any<T>(~go)) {
            const M broken = group.alive & ~fine;
            for (int w = 0; w < lanes; ++w)
                if (broken[w]) group.nan_step[w] = group.step + 1;
            group.alive = go;
            for (size_t i = 0; i < size; ++i) group.next[i] = select(go, group.next[i], group.parameters[i]);
        }
        std::swap(group.parameters, group.next);
    }
};

}  // namespace lanes
