// Backpropagation, written out.
//
// A layer l takes x, gives z = W x + b and answers a = φ(z), which is the next layer's x. The loss L of the last answer
// falls fastest against its gradient, and the gradient is found from the last layer to the first by the chain rule:
//
//     ∂L/∂z = ∂L/∂a · φ′(z)           each pre-activation moves its own answer alone
//     ∂L/∂W = x ⊗ ∂L/∂z, over samples  a weight moves z by the x that it multiplies
//     ∂L/∂b = ∂L/∂z, over samples      a bias moves z by itself
//     ∂L/∂x = Wᵀ ∂L/∂z                 x moves every z that it feeds; it is the layer below's ∂L/∂a
//
// The forward pass keeps what these need, each layer's x and φ′(z). What a hidden layer may have besides is undone in
// the reverse order of its doing: z normalised, scaled and shifted before φ; answers dropped; x added to the answer.
// All arrays are of packs, one lane a network: weights [fan_in][fan_out], everything else [unit][sample].
#pragma once

#include <vector>

#include "activation.hpp"
#include "normalization.hpp"
#include "product.hpp"
#include "random.hpp"

namespace lanes {

// Where the parameters of a layer begin among the network's; each kind ends where the next begins.
struct Layer {
    int fan_in, units, fan_out;  // fan_out counts pre-activations
    size_t weights, biases, factor, shift, learned, end;
    bool residual;  // the layer's x is added to its answer
};

// What all layers of a network have in common.
struct Shape {
    std::vector<int> widths;  // of the inputs, of every hidden layer, of the outputs
    bool residual = false, dropout = false;
    Norm norm = Norm::none;
};

inline std::vector<Layer> layers_of(const Shape& shape, const Formula& hidden) {
    std::vector<Layer> layers;
    size_t place = 0;
    auto take = [&](size_t count) { const size_t begin = place; place += count; return begin; };
    for (size_t l = 0; l + 1 < shape.widths.size(); ++l) {
        const bool last = l + 2 == shape.widths.size(), normed = shape.norm != Norm::none && !last;
        const int in = shape.widths[l], units = shape.widths[l + 1], out = last ? units : units * hidden.pieces;
        Layer layer{in, units, out, take(size_t(in) * out), take(out), 0, 0, 0, 0, shape.residual && !last && in == units};
        layer.factor = take(normed ? out : 0);
        layer.shift = take(normed && shape.norm != Norm::rms ? out : 0);
        layer.learned = take(last ? 0 : hidden.learned.size() * units);
        layer.end = place;
        layers.push_back(layer);
    }
    return layers;
}

// What training draws in a step: keys, and which samples of the batch a pass holds.
template <class T> struct Noise {
    Pair<WordPack<T>> dropout, activation;
    Pack<T> rate;  // of dropout
    uint32_t step;
    int first, batch;
};

template <class T> class Network {
  public:
    using P = Pack<T>;
    using M = Mask<T>;

    // What a pass is for. In training, batch normalisation takes the samples' own statistics, else `running`: for
    // each hidden layer the means and then the variances of its pre-activations.
    struct Pass {
        bool training = false;
        const Noise<T>* noise = nullptr;  // without it nothing is dropped or drawn
        const P* running = nullptr;
        std::vector<std::vector<P>>* keep = nullptr;  // where pre-activations are kept, by layer
    };

    // `most`: samples that one pass holds.
    Network(const Shape& shape, int most, const Formula& hidden, const Formula& output)
        : shape(shape), layers(layers_of(shape, hidden)), hidden(hidden), output(output), parts(layers.size()) {
        size_t widest = layers[0].fan_in;
        for (size_t l = 0; l < layers.size(); ++l) {
            const Layer& layer = layers[l];
            const bool last = l + 1 == layers.size();
            widest = std::max<size_t>(widest, std::max(layer.fan_in, layer.fan_out));
            Part& part = parts[l];
            const size_t answers = size_t(layer.units) * most, before = size_t(layer.fan_out) * most;
            part.slope.resize(before);
            part.answer.resize(answers);
            part.x.resize(layer.residual ? answers : 0);
            if (last) continue;
            part.more.resize(hidden.learned.size() * answers);
            part.kept.resize(shape.dropout ? answers : 0);
            if (shape.norm == Norm::none) continue;
            part.z_hat.resize(before);
            const int sets = shape.norm == Norm::batch ? layer.fan_out : most;
            part.mean.resize(sets), part.variance.resize(sets), part.r.resize(sets);
        }
        share.resize(hidden.drawn.empty() ? 0 : widest * most);
        above.resize(widest * most);
        below.resize(widest * most);
    }

    const Shape shape;
    const std::vector<Layer> layers;
    Activation<T> hidden, output;

    size_t parameters() const { return layers.back().end; }

    // The outputs [output][sample] for `inputs` [input][sample].
    const P* forward(const P* parameters, const P* inputs, int samples, const Pass& pass) {
        fed = inputs;
        dropped = shape.dropout && pass.noise;
        if (dropped) grown = T(1) - pass.noise->rate;
        const P* running = pass.training ? nullptr : pass.running;
        size_t before = 0;  // units of the layers below
        for (size_t l = 0; l < layers.size(); ++l) {
            const Layer& layer = layers[l];
            Part& part = parts[l];
            const bool last = l + 1 == layers.size();
            const P* const from = input(l);
            const size_t answers = size_t(layer.units) * samples, count = size_t(layer.fan_out) * samples;
            P* const z = part.slope.data();
            // z = Wᵀ x + b, with W stored [fan_in][fan_out].
            multiply<T>({{z, samples, 1}, {parameters + layer.biases, 1, 0}, {parameters + layer.weights, 1, layer.fan_out},
                         {from, samples, 1}, layer.fan_out, samples, layer.fan_in});
            if (!last && shape.norm != Norm::none) normalize(parameters, layer, part, samples, running);
            if (!last && running) running += 2 * layer.fan_out;
            if (pass.keep) std::copy_n(z, count, (*pass.keep)[l].data());
            const P* drawn = nullptr;
            if (!last && !hidden.formula.drawn.empty() && pass.noise) {
                draw(pass.noise->activation, *pass.noise, before, layer.units, samples,
                     [&](size_t i, P u) { share[i] = u; });
                drawn = share.data();
            }
            Activation<T>& activation = last ? output : hidden;
            activation.forward(z, layer.units, samples, parameters + layer.learned, drawn, part.answer.data(), part.more.data());
            if (!last && dropped)
                draw(pass.noise->dropout, *pass.noise, before, layer.units, samples, [&](size_t i, P u) {
                    part.kept[i] = u >= pass.noise->rate;
                    part.answer[i] = select(part.kept[i], part.answer[i] / grown, P{});
                });
            if (layer.residual)
                for (size_t i = 0; i < answers; ++i) part.x[i] = from[i] + part.answer[i];
            before += layer.units;
        }
        return parts.back().answer.data();
    }

    // Where the derivatives of the loss by the outputs are to be put before `backward`.
    P* derivative() { return above.data(); }

    // The gradient of the loss by every parameter, added to `gradient` or (`fresh`) put there; after `forward` in training.
    void backward(const P* parameters, P* gradient, int samples, bool fresh) {
        for (size_t l = layers.size(); l-- > 0;) {
            const Layer& layer = layers[l];
            Part& part = parts[l];
            const bool last = l + 1 == layers.size();
            const size_t answers = size_t(layer.units) * samples;
            P* const delta = above.data();
            if (fresh) std::fill(gradient + layer.biases, gradient + layer.end, P{});
            if (layer.residual) std::copy_n(delta, answers, below.data());
            if (!last && dropped)
                for (size_t i = 0; i < answers; ++i) delta[i] = select(part.kept[i], delta[i] / grown, P{});
            if (!(last && output.identity()))  // ∂L/∂z
                (last ? output : hidden)
                    .backward(delta, part.slope.data(), layer.units, samples, part.more.data(), gradient + layer.learned);
            if (!last && shape.norm != Norm::none) unnormalize(parameters, gradient, layer, part, samples);

            P* const by_weights = gradient + layer.weights;
            multiply<T>({{by_weights, layer.fan_out, 1}, {fresh ? nullptr : by_weights, layer.fan_out, 1},  // ∂L/∂W
                         {input(l), samples, 1}, {delta, 1, samples}, layer.fan_in, layer.fan_out, samples});
            add_over_samples(delta, layer.fan_out, samples, gradient + layer.biases);  // ∂L/∂b

            if (l == 0) return;
            multiply<T>({{below.data(), samples, 1}, {layer.residual ? below.data() : nullptr, samples, 1},  // ∂L/∂x
                         {parameters + layer.weights, layer.fan_out, 1}, {delta, samples, 1}, layer.fan_in, samples,
                         layer.fan_out});
            std::swap(above, below);
        }
    }

    const P* answers(size_t l) const { return parts[l].answer.data(); }
    const P* slopes(size_t l) const { return parts[l].slope.data(); }
    // The newest batch's statistics of hidden layer l: means and (biased) variances.
    const P* means(size_t l) const { return parts[l].mean.data(); }
    const P* variances(size_t l) const { return parts[l].variance.data(); }

  private:
    // What the way back needs of one layer.
    struct Part {
        std::vector<P> slope, answer;            // slope holds z first
        std::vector<P> x;                        // what a residual layer hands on
        std::vector<P> more;                     // slopes by what the activation has learned
        std::vector<P> z_hat, mean, variance, r; // of normalisation
        std::vector<M> kept;                     // by dropout
    };
    std::vector<Part> parts;
    std::vector<P> above, below;  // derivatives of the loss by a layer's answer and by its x
    std::vector<P> share;         // of a random activation
    const P* fed = nullptr;
    bool dropped = false;  // in the last forward pass
    P grown{};             // what dropout divided by

    // What layer l takes.
    const P* input(size_t l) const {
        if (l == 0) return fed;
        return layers[l - 1].residual ? parts[l - 1].x.data() : parts[l - 1].answer.data();
    }

    // Calls take(place, uniform number) for each unit and sample of a layer with `before` units below it.
    template <class Take>
    void draw(const Pair<WordPack<T>>& key, const Noise<T>& noise, size_t before, int units, int samples, Take take) {
        for (int s = 0; s < samples; ++s) {
            const uint32_t place = uint32_t(before * noise.batch + size_t(noise.first + s) * units);
            for (int j = 0; j < units; ++j) take(size_t(j) * samples + s, uniform<T>(key, noise.step, place + j));
        }
    }

    // z becomes ẑ · factor + shift; `running`: the layer's running statistics, to be used instead of the samples' own.
    void normalize(const P* parameters, const Layer& layer, Part& part, int samples, const P* running) {
        const int out = layer.fan_out;
        const bool shifted = shape.norm != Norm::rms;
        P* const z = part.slope.data();
        if (shape.norm == Norm::batch && running) {
            for (int j = 0; j < out; ++j) {
                const P r = T(1) / sqrt(running[out + j] + norm_epsilon<T>);
                for (int s = 0; s < samples; ++s) z[size_t(j) * samples + s] = (z[size_t(j) * samples + s] - running[j]) * r;
            }
        } else {
            standardize<T>(sets_of(shape.norm, out, samples), shifted, z, part.mean.data(), part.variance.data(), part.r.data());
            std::copy_n(z, size_t(out) * samples, part.z_hat.data());
        }
        for (int j = 0; j < out; ++j) {
            const P factor = parameters[layer.factor + j], shift = shifted ? parameters[layer.shift + j] : P{};
            for (int s = 0; s < samples; ++s) z[size_t(j) * samples + s] = z[size_t(j) * samples + s] * factor + shift;
        }
    }

    // ∂L/∂z of the normalised and scaled z becomes that of z as the weights gave it.
    void unnormalize(const P* parameters, P* gradient, const Layer& layer, const Part& part, int samples) {
        P* const delta = above.data();
        const bool shifted = shape.norm != Norm::rms;
        if (shifted) add_over_samples(delta, layer.fan_out, samples, gradient + layer.shift);
        for (int j = 0; j < layer.fan_out; ++j) {
            P sum = gradient[layer.factor + j];
            for (size_t i = size_t(j) * samples; i < size_t(j + 1) * samples; ++i) {
                sum = fma(delta[i], part.z_hat[i], sum);
                delta[i] = delta[i] * parameters[layer.factor + j];
            }
            gradient[layer.factor + j] = sum;
        }
        unstandardize<T>(sets_of(shape.norm, layer.fan_out, samples), shifted, part.z_hat.data(), part.r.data(), delta);
    }

    // Adds each unit's sum over the samples to `sums`.
    static void add_over_samples(const P* x, int units, int samples, P* sums) {
        for (int j = 0; j < units; ++j) {
            P sum = sums[j];
            for (int s = 0; s < samples; ++s) sum = sum + x[size_t(j) * samples + s];
            sums[j] = sum;
        }
    }
};

}  // namespace lanes
