// Training: blocks of trials, in groups that fill a register's lanes, each group for many steps at a time so that all
// of it stays in the cache.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "loss.hpp"
#include "network.hpp"
#include "random.hpp"
#include "samples.hpp"
#include "update.hpp"
#include "vitals.hpp"

namespace lanes {

// What trials of a block have in common; the words are those of `engine.interface.Program`.
struct Settings {
    Shape shape;
    std::string loss, optimizer, schedule;
    int batch = 0;
    bool labels = true;
    double boundary = 0;   // the output above which a single unit answers 1
    int metric = 0;        // of the target: train loss, train score, validation loss, validation score
    bool at_least = true;
    Penalties penalties;
    bool patience = false;
    int64_t steps = 0;
    Formula hidden, output;
    std::vector<std::string> vitals;  // what is measured of each layer
};

// The keys of each trial, (trials, 2) words each.
struct Keys { const uint32_t *order, *dropout, *activation; };

// Calls back about every 50 ms of work.
class Pulse {
  public:
    explicit Pulse(std::function<void()> call) : call(std::move(call)) {}

    // After about `work` multiplications of packs. Looking at the clock costs as much as some hundred of them.
    void beat(size_t work) {
        done += work;
        if (done < 1 << 18) return;
        done = 0;
        const auto now = Clock::now();
        if (now < next) return;
        next = now + interval;
        call();
    }

  private:
    using Clock = std::chrono::steady_clock;
    static constexpr auto interval = std::chrono::milliseconds(50);
    const std::function<void()> call;
    size_t done = 0;
    Clock::time_point next = Clock::now() + interval;
};

template <class T> class Block {
  public:
    using P = Pack<T>;
    using M = Mask<T>;
    static constexpr int lanes = width<T>;
    static constexpr int slice = 32;          // samples of a pass; gradients of larger batches are summed over passes
    static constexpr int measured = 256;      // samples that vital signs are taken on, at most

    struct Group {
        Weights<T> weights;
        std::vector<P> numbers, running;  // running: statistics of batch normalisation, see Network::Pass
        std::vector<uint32_t> order;      // [lane][sample]
        Pair<WordPack<T>> order_key;
        Noise<T> noise;
        M alive;
        P best, waited;
        int64_t step = 0, first_step[lanes], nan_step[lanes], stop_step[lanes];
    };

    // `parameters` (trials, all of a network), `numbers` (trials, columns); the number of trials is a multiple of the
    // lanes. `offsets`: where each entry's parameters begin among the numbers.
    Block(const Settings& settings, Samples<T> train, Samples<T> validation, int trials, const T* parameters,
          const T* numbers, int columns, const std::vector<int>& offsets, Keys keys)
        : settings(settings), train(train), validation(validation), offsets(offsets), loss(loss_named(settings.loss)),
          pass(pass_of(settings, train.count)),
          network(settings.shape, most(settings, train.count), settings.hidden, settings.output),
          update(network.layers, optimizer_named(settings.optimizer), schedule_named(settings.schedule),
                 settings.penalties, offsets, settings.steps),
          tray(train.inputs, train.outputs, most(settings, train.count)), gradient(network.parameters()),
          groups(trials / lanes) {
        const size_t size = network.parameters();
        for (const std::string& name : settings.vitals) vitals.push_back(vital_named(name));
        for (const Layer& layer : network.layers) kept.emplace_back(size_t(layer.fan_out) * looked_at());
        for (size_t g = 0; g < groups.size(); ++g) {
            Group& group = groups[g];
            const size_t first = g * lanes;
            group.numbers = packed(numbers + first * columns, columns);
            update.start(group.weights, packed(parameters + first * size, size), group.numbers);
            group.alive = M{} - 1;
            group.best = all(std::numeric_limits<T>::infinity());
            group.waited = P{};
            group.noise.rate = group.numbers[Number::dropout];
            for (const Layer& layer : network.layers) {
                if (settings.shape.norm != Norm::batch || &layer == &network.layers.back()) continue;
                group.running.insert(group.running.end(), layer.fan_out, P{});
                group.running.insert(group.running.end(), layer.fan_out, all(T(1)));
            }
            if (settings.batch) group.order.resize(size_t(lanes) * train.count);
            for (int w = 0; w < lanes; ++w) {
                for (auto [from, to] : {std::pair{keys.order, &group.order_key}, {keys.dropout, &group.noise.dropout},
                                        {keys.activation, &group.noise.activation}})
                    to->first[w] = from[2 * (first + w)], to->second[w] = from[2 * (first + w) + 1];
                group.first_step[w] = group.nan_step[w] = group.stop_step[w] = -1;
                for (size_t s = 0; s < group.order.size() / lanes; ++s) group.order[w * train.count + s] = uint32_t(s);
            }
        }
    }

    // Train every group up to step `until`.
    void advance(int64_t until, Pulse& pulse) {
        const FlushDenormals flush;
        for (Group& group : groups) {
            enter(group);
            while (group.step < until && any<T>(group.alive)) step(group, pulse);
            group.step = until;  // of networks that all have ended, too
        }
    }

    // Steps done, summed over groups.
    int64_t done() const {
        int64_t sum = 0;
        for (const Group& group : groups) sum += group.step;
        return sum;
    }

    // The four scores of every trial (trials, 4), and its vital signs (trials, layers, vital signs).
    void measure(T* scores, T* signs, Pulse& pulse) {
        const FlushDenormals flush;
        const size_t many = network.layers.size() * vitals.size();
        for (size_t g = 0; g < groups.size(); ++g) {
            Group& group = groups[g];
            enter(group);
            P four[4];
            evaluate(group, train, four[0], four[1], pulse);
            evaluate(group, validation, four[2], four[3], pulse);
            for (int w = 0; w < lanes; ++w)
                for (int i = 0; i < 4; ++i) scores[(g * lanes + w) * 4 + i] = four[i][w];
            look_inside(group, [&](size_t l, size_t v, P sign) {
                for (int w = 0; w < lanes; ++w) signs[(g * lanes + w) * many + l * vitals.size() + v] = sign[w];
            });
            pulse.beat(gradient.size() * looked_at());
        }
    }

    // Parameters of every trial, (trials, all).
    void parameters(T* result) const {
        for (size_t g = 0; g < groups.size(); ++g) unpack(groups[g].weights.now, result + g * lanes * size());
    }
    // Running statistics of every trial, (trials, all).
    void running(T* result) const {
        for (const Group& group : groups) {
            unpack(group.running, result);
            result += lanes * group.running.size();
        }
    }

    size_t trials() const { return groups.size() * lanes; }
    size_t size() const { return network.parameters(); }
    size_t statistics() const { return groups[0].running.size(); }
    size_t layers() const { return network.layers.size(); }
    const std::vector<Group>& all_groups() const { return groups; }

    const Settings settings;

    // Vital signs are taken on every stride_of()th of the training samples.
    static int stride_of(int samples) { return (samples + measured - 1) / measured; }
    static int looked_at_of(int samples) { return (samples + stride_of(samples) - 1) / stride_of(samples); }
    // Samples of a training pass.
    static int pass_of(const Settings& settings, int samples) {
        const int batch = settings.batch ? settings.batch : samples;
        return settings.shape.norm == Norm::batch ? batch : std::min(slice, batch);
    }
    // Samples of the largest pass of any kind.
    static int most(const Settings& settings, int samples) {
        return std::max({pass_of(settings, samples), slice, std::min(measured, samples)});
    }

  private:
    const Samples<T> train, validation;
    const std::vector<int> offsets;
    const Loss loss;
    const int pass;
    std::vector<Vital> vitals;
    Network<T> network;
    const Update<T> update;
    Tray<T> tray;
    std::vector<P> gradient;
    std::vector<std::vector<P>> kept;  // pre-activations of each layer, for the vital signs
    std::vector<Group> groups;

    static std::vector<P> packed(const T* rows, size_t columns) {
        std::vector<P> result(columns);
        for (size_t i = 0; i < columns; ++i)
            for (int w = 0; w < lanes; ++w) result[i][w] = rows[w * columns + i];
        return result;
    }
    static void unpack(const std::vector<P>& packs, T* rows) {
        for (int w = 0; w < lanes; ++w)
            for (size_t i = 0; i < packs.size(); ++i) *rows++ = packs[i][w];
    }

    void enter(const Group& group) {
        network.hidden.prepare(group.numbers.data() + offsets[activation_entry]);
        network.output.prepare(group.numbers.data() + offsets[output_entry]);
    }

    // Adds the tray's losses and credits, and puts the losses' derivatives, times `scale`, where `backward` starts.
    void judge(const Group& group, const P* outputs, int samples, T scale, P& value, P& credit) {
        const P delta = loss == Loss::huber ? group.numbers[offsets[loss_entry]] : P{};
        for (int s = 0; s < samples; ++s) {
            const P* const wanted = tray.targets() + s;
            value = value + sample_loss<T>(loss, outputs + s, wanted, network.derivative() + s, train.outputs, samples, delta, scale);
            credit = credit + sample_credit<T>(settings.labels, T(settings.boundary), outputs + s, wanted, train.outputs, samples);
        }
    }

    // A sum of credits as a score: the number of right labels, or R².
    P score(P credit, const Samples<T>& samples) const {
        return settings.labels ? credit : T(1) - credit / samples.spread;
    }

    // Mean loss and score over all samples.
    void evaluate(const Group& group, const Samples<T>& samples, P& value, P& points, Pulse& pulse) {
        if (samples.count == 0) {
            value = points = all(std::numeric_limits<T>::quiet_NaN());
            return;
        }
        P sum{}, credit{};
        for (int first = 0; first < samples.count; first += slice) {
            const int count = std::min(slice, samples.count - first);
            tray.spread_out(samples, first, count);
            const P* outputs = network.forward(group.weights.now.data(), tray.inputs(), count, {.running = group.running.data()});
            judge(group, outputs, count, T(1), sum, credit);
            pulse.beat(gradient.size() * count);
        }
        value = sum / T(samples.count);
        points = score(credit, samples);
    }

    int stride() const { return stride_of(train.count); }
    int looked_at() const { return looked_at_of(train.count); }

    // Calls tell(layer, vital sign, its values).
    template <class Tell> void look_inside(Group& group, Tell tell) {
        const int samples = looked_at();
        tray.spread_out(train, 0, samples, stride());
        const P* const parameters = group.weights.now.data();
        const P* outputs = network.forward(parameters, tray.inputs(), samples, {.training = true, .keep = &kept});
        P value{}, credit{};
        judge(group, outputs, samples, T(1) / T(samples), value, credit);
        network.backward(parameters, gradient.data(), samples, true);
        for (size_t l = 0; l < network.layers.size(); ++l) {
            const Layer& layer = network.layers[l];
            const bool last = l + 1 == network.layers.size();
            const Sight<T> sight{
                kept[l].data(), network.answers(l), network.slopes(l), gradient.data() + layer.weights, layer.fan_out,
                layer.units, samples, layer.biases - layer.weights, (last ? network.output : network.hidden).elementwise(),
                group.numbers[last ? Number::output_slope : Number::largest_slope]};
            for (size_t v = 0; v < vitals.size(); ++v) tell(l, v, lanes::measure<T>(vitals[v], sight));
        }
    }

    // Whether a network that still trains has not reached the target yet.
    static bool waits(const Group& group) {
        for (int w = 0; w < lanes; ++w)
            if (group.alive[w] && group.first_step[w] < 0) return true;
        return false;
    }

    // At an epoch's end: has the target been reached, has the validation loss stopped falling? `known`: loss and score
    // of all training samples, if the last pass has told them.
    void check(Group& group, const P* known, Pulse& pulse) {
        if (!settings.patience && !waits(group)) return;
        P found[2];
        if (settings.metric > 1 || !known) evaluate(group, settings.metric > 1 ? validation : train, found[0], found[1], pulse);
        else found[0] = known[0], found[1] = known[1];
        const P value = found[settings.metric % 2], threshold = group.numbers[Number::threshold];
        const M holds = (settings.at_least ? value >= threshold : value <= threshold) & group.alive;
        if (any<T>(holds))
            for (int w = 0; w < lanes; ++w)
                if (holds[w] && group.first_step[w] < 0) group.first_step[w] = group.step;
        if (!settings.patience) return;
        P held_out, unused;
        evaluate(group, validation, held_out, unused, pulse);
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
        std::vector<WordPack<T>> words(train.count);
        for (int s = 0; s < train.count; ++s) words[s] = word<T>(group.order_key, epoch, uint32_t(s));
        std::vector<uint64_t> keyed(train.count);
        for (int w = 0; w < lanes; ++w) {
            for (int s = 0; s < train.count; ++s) keyed[s] = uint64_t(words[s][w]) << 32 | uint32_t(s);
            std::sort(keyed.begin(), keyed.end());
            for (int s = 0; s < train.count; ++s) group.order[size_t(w) * train.count + s] = uint32_t(keyed[s]);
        }
    }

    // Whether a training pass over all samples shows what an evaluation would.
    bool tells() const {
        return !settings.batch && !settings.shape.dropout && settings.shape.norm != Norm::batch && settings.hidden.drawn.empty();
    }

    // One step of a group: a batch, its gradient, an update.
    void step(Group& group, Pulse& pulse) {
        const int batch = settings.batch ? settings.batch : train.count;
        const int64_t epoch = settings.batch ? train.count / batch : 1;
        const int place = int(group.step % epoch) * batch;
        if (place == 0 && !tells()) check(group, nullptr, pulse);
        if (settings.batch && place == 0) shuffle(group, uint32_t(group.step / epoch));
        group.noise.step = uint32_t(group.step), group.noise.batch = batch;
        P sum{}, credit{};
        for (int first = 0; first < batch; first += pass) {
            const int count = std::min(pass, batch - first);
            if (settings.batch) tray.deal_out(train, group.order, place + first, count);
            else tray.spread_out(train, first, count);
            group.noise.first = first;
            const P* const parameters = group.weights.now.data();
            const P* outputs = network.forward(parameters, tray.inputs(), count, {.training = true, .noise = &group.noise});
            judge(group, outputs, count, T(1) / T(batch), sum, credit);
            network.backward(parameters, gradient.data(), count, first == 0);
            pulse.beat(3 * gradient.size() * count);
        }
        const P known[2] = {sum / T(batch), score(credit, train)};
        if (tells()) check(group, known, pulse);
        settle(group, update.propose(group.weights, group.numbers, gradient, known[0], group.step));
        ++group.step;
    }

    // Take the proposed parameters; a network for which `poison` is not 0 keeps its old ones and ends.
    void settle(Group& group, P poison) {
        const M fine = poison == P{}, go = group.alive & fine;
        if (settings.shape.norm == Norm::batch) move_statistics(group, go);
        if (any<T>(~go)) {
            const M broken = group.alive & ~fine;
            for (int w = 0; w < lanes; ++w)
                if (broken[w]) group.nan_step[w] = group.step + 1;
            group.alive = go;
            for (size_t i = 0; i < gradient.size(); ++i) group.weights.next[i] = select(go, group.weights.next[i], group.weights.now[i]);
        }
        std::swap(group.weights.now, group.weights.next);
    }

    // Running statistics move towards the newest batch's; the variance that they keep is the unbiased one.
    void move_statistics(Group& group, M go) {
        const T unbiased = T(pass) / T(std::max(1, pass - 1));
        P* running = group.running.data();
        for (size_t l = 0; l + 1 < network.layers.size(); ++l)
            for (int part = 0; part < 2; ++part)
                for (int j = 0; j < network.layers[l].fan_out; ++j, ++running) {
                    const P newest = part ? network.variances(l)[j] * unbiased : network.means(l)[j];
                    *running = select(go, (T(1) - norm_momentum<T>) * *running + norm_momentum<T> * newest, *running);
                }
    }
};

}  // namespace lanes
