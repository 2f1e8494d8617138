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
// The forward pass keeps what these need, each layer's x and φ′(z). All arrays are of packs, one lane a network:
// weights [fan_in][fan_out], everything else [unit][sample].
#pragma once

#include <vector>

#include "activation.hpp"
#include "product.hpp"

namespace lanes {

struct Layer {
    int fan_in, fan_out;
    size_t weights, biases;  // where they begin among the network's parameters
    bool residual;           // the layer's x is added to its answer
};

// Weights and biases of layer 0, of layer 1, …
inline std::vector<Layer> layers_of(const std::vector<int>& widths, bool residual) {
    std::vector<Layer> layers;
    size_t place = 0;
    for (size_t l = 0; l + 1 < widths.size(); ++l) {
        const int in = widths[l], out = widths[l + 1];
        const bool last = l + 2 == widths.size();
        layers.push_back({in, out, place, place + size_t(in) * out, residual && !last && in == out});
        place += size_t(in + 1) * out;
    }
    return layers;
}

template <class T> class Network {
  public:
    using P = Pack<T>;

    // `most`: samples that one pass holds.
    Network(const std::vector<Layer>& layers, int most, const Formula& hidden, const Formula& output)
        : layers(layers), hidden(hidden), output(output), slope(layers.size()), answer(layers.size()), x(layers.size() + 1) {
        size_t widest = layers[0].fan_in;
        for (size_t l = 0; l < layers.size(); ++l) {
            widest = std::max<size_t>(widest, layers[l].fan_out);
            slope[l].resize(size_t(layers[l].fan_out) * most);
            answer[l].resize(size_t(layers[l].fan_out) * most);
            x[l + 1].resize(layers[l].residual ? size_t(layers[l].fan_out) * most : 0);
        }
        above.resize(widest * most);
        below.resize(widest * most);
    }

    const std::vector<Layer> layers;
    Activation<T> hidden, output;

    // The outputs [output][sample] for `inputs` [input][sample]. With `keep`, pre-activations are kept there, by layer.
    const P* forward(const P* parameters, const P* inputs, int samples, std::vector<std::vector<P>>* keep = nullptr) {
        fed = inputs;
        for (size_t l = 0; l < layers.size(); ++l) {
            const Layer& layer = layers[l];
            const P *const weights = parameters + layer.weights, *const biases = parameters + layer.biases, *const from = input(l);
            const size_t count = size_t(layer.fan_out) * samples;
            // z = Wᵀ x + b, with W stored [fan_in][fan_out].
            product<T>({slope[l].data(), samples, 1}, {biases, 1, 0}, {weights, 1, layer.fan_out}, {from, samples, 1},
                       layer.fan_out, samples, layer.fan_in);
            if (keep) std::copy_n(slope[l].data(), count, (*keep)[l].data());
            Activation<T>& activation = l + 1 < layers.size() ? hidden : output;
            activation.apply(slope[l].data(), answer[l].data(), slope[l].data(), count);  // z gives way to φ′(z)
            if (layer.residual)
                for (size_t i = 0; i < count; ++i) x[l + 1][i] = from[i] + answer[l][i];
        }
        return answer.back().data();
    }

    // Where the derivatives of the loss by the outputs are to be put before `backward`.
    P* derivative() { return above.data(); }

    // The gradient of the loss by every parameter, added to `gradient` or (`fresh`) put there; after `forward`.
    void backward(const P* parameters, P* gradient, int samples, bool fresh) {
        for (size_t l = layers.size(); l-- > 0;) {
            const Layer& layer = layers[l];
            const size_t count = size_t(layer.fan_out) * samples;
            P* const delta = above.data();
            if (layer.residual) std::copy_n(delta, count, below.data());
            if (!(l + 1 == layers.size() && output.identity()))
                for (size_t i = 0; i < count; ++i) delta[i] = delta[i] * slope[l][i];  // ∂L/∂z

            P *const by_weights = gradient + layer.weights, *const by_biases = gradient + layer.biases;
            const View<P> target{by_weights, layer.fan_out, 1};
            const View<const P> start{fresh ? nullptr : by_weights, layer.fan_out, 1};
            product<T>(target, start, {input(l), samples, 1}, {delta, 1, samples}, layer.fan_in, layer.fan_out, samples);
            for (int j = 0; j < layer.fan_out; ++j) {
                P sum = fresh ? P{} : by_biases[j];
                for (int s = 0; s < samples; ++s) sum = sum + delta[size_t(j) * samples + s];
                by_biases[j] = sum;
            }

            if (l == 0) return;
            const View<const P> around{layer.residual ? below.data() : nullptr, samples, 1};
            product<T>({below.data(), samples, 1}, around, {parameters + layer.weights, layer.fan_out, 1},
                       {delta, samples, 1}, layer.fan_in, samples, layer.fan_out);  // ∂L/∂x
            std::swap(above, below);
        }
    }

    const P* answers(size_t l) const { return answer[l].data(); }
    const P* slopes(size_t l) const { return slope[l].data(); }

  private:
    std::vector<std::vector<P>> slope, answer;  // of each layer
    std::vector<std::vector<P>> x;              // x[l + 1]: what a residual layer l hands on
    std::vector<P> above, below;                // derivatives of the loss by a layer's answer and by its x
    const P* fed = nullptr;

    // What layer l takes.
    const P* input(size_t l) const {
        if (l == 0) return fed;
        return layers[l - 1].residual ? x[l].data() : answer[l - 1].data();
    }
};

}  // namespace lanes
