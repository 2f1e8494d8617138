// How much memory a block takes, known before it is made.
#pragma once

#include "block.hpp"

namespace lanes {

// Bytes of a block of `trials` on `samples` training samples, without the arrays that it is made from. The widths and
// counts that module.cpp lets through are too small for any product here to overflow.
template <class T> size_t footprint(const Settings& settings, int samples, int trials) {
    const std::vector<Layer> layers = layers_of(settings.shape, settings.hidden);
    const size_t groups = (size_t(trials) + width<T> - 1) / width<T>, most = Block<T>::most(settings, samples);
    const size_t parameters = layers.back().end;
    size_t pass = 0, statistics = 0, widest = 0, kept = 0;
    for (const Layer& layer : layers) {
        const bool last = &layer == &layers.back(), normed = settings.shape.norm != Norm::none && !last;
        widest = std::max<size_t>({widest, size_t(layer.fan_in), size_t(layer.fan_out)});
        pass += size_t(layer.fan_out) + layer.units + (layer.residual ? layer.units : 0);
        if (!last) pass += layer.units * (settings.hidden.learned.size() + settings.shape.dropout);
        if (normed) pass += layer.fan_out + 3;
        if (normed && settings.shape.norm == Norm::batch) statistics += 2 * size_t(layer.fan_out);
        kept += layer.fan_out;  // for the vital signs
    }
    const size_t tray = size_t(settings.shape.widths.front()) + settings.shape.widths.back();
    const size_t shared = parameters + most * (pass + tray + widest * (settings.hidden.drawn.empty() ? 2 : 3)) + kept * Block<T>::looked_at_of(samples);
    const size_t own = parameters * (2 + memories(optimizer_named(settings.optimizer))) + statistics;
    const size_t order = settings.batch ? size_t(samples) * width<T> * sizeof(uint32_t) : 0;
    return (shared + groups * own) * sizeof(Pack<T>) + groups * (order + sizeof(typename Block<T>::Group)) + sizeof(Block<T>);
}

}  // namespace lanes
