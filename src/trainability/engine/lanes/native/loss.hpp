// Losses: of each sample a number and its derivative by the outputs; whether the answer is right.
#pragma once

#include <stdexcept>
#include <string>

#include "vector_math.hpp"

namespace lanes {

enum class Loss { bce, cross_entropy, hinge, squared_hinge, perceptron, mse, mae, huber, log_cosh };

inline Loss loss_named(const std::string& name) {
    const char* names[] = {"bce", "cross_entropy", "hinge", "squared_hinge", "perceptron", "mse", "mae", "huber", "log_cosh"};
    for (int i = 0; i < 9; ++i)
        if (name == names[i]) return Loss(i);
    throw std::invalid_argument("no loss " + name);
}

// How many parameters a loss has.
inline int parameters_of(Loss loss) { return loss == Loss::huber ? 1 : 0; }

// One output's share in a sample's loss for the losses that sum over outputs: its value, and its derivative.
template <class T> inline Pack<T> output_loss(Loss loss, Pack<T> z, Pack<T> y, Pack<T> delta, Pack<T>& derivative) {
    const Pack<T> zero{}, one = all(T(1)), error = z - y, size = abs<T>(error);
    const Pack<T> sign = select(error >= zero, one, -one);
    switch (loss) {
        case Loss::bce: {  // ln(1 + eᶻ) − y z
            const Pack<T> e = exp_of_negative<T>(-abs<T>(z));
            derivative = select(z < zero, e, one) / (e + one) - y;
            return larger(z, zero) + log1p<T>(e) - y * z;
        }
        case Loss::mse: derivative = error + error; return error * error;
        case Loss::mae: derivative = sign; return size;
        case Loss::huber: {
            const Pack<T> inside = select(size > delta, delta, size);
            derivative = sign * inside;
            return T(0.5) * inside * inside + delta * (size - inside);
        }
        default:  // log_cosh
            derivative = tanh<T>(error);
            return size + log1p<T>(exp_of_negative<T>(T(-2) * size)) - T(0.69314718055994531);
    }
}

// The loss of sample s; its derivatives, times `scale`, go to `derivative`. Arrays are [output][samples].
template <class T>
Pack<T> sample_loss(Loss loss, const Pack<T>* z, const Pack<T>* y, Pack<T>* derivative, int outputs, int samples,
                    Pack<T> delta, T scale) {
    const Pack<T> zero{}, one = all(T(1));
    Pack<T> total{};
    if (loss == Loss::cross_entropy) {  // −Σ y ln softmax(z)
        Pack<T> highest = z[0], sum{}, right{};
        for (int j = 1; j < outputs; ++j) highest = larger(highest, z[j * samples]);
        for (int j = 0; j < outputs; ++j) {
            const Pack<T> e = exp_of_negative<T>(z[j * samples] - highest);
            derivative[j * samples] = e;
            sum = sum + e;
            right = right + y[j * samples] * (z[j * samples] - highest);
        }
        for (int j = 0; j < outputs; ++j)
            derivative[j * samples] = (derivative[j * samples] / sum - y[j * samples]) * scale;
        return log<T>(sum) - right;
    }
    if (loss == Loss::hinge || loss == Loss::squared_hinge || loss == Loss::perceptron) {
        // How far the right answer is short of being ahead by 1, or (perceptron) by anything.
        const T lead = loss == Loss::perceptron ? T(0) : T(1);
        Pack<T> margin, wrong = all(-std::numeric_limits<T>::infinity()), ties{};
        const Pack<T> side = y[0] + y[0] - one;
        if (outputs == 1) margin = lead - side * z[0];
        else {
            Pack<T> right{};
            for (int j = 0; j < outputs; ++j) {
                right = right + y[j * samples] * z[j * samples];
                wrong = select(y[j * samples] > T(0.5), wrong, larger(wrong, z[j * samples]));
            }
            for (int j = 0; j < outputs; ++j)
                ties = ties + select(y[j * samples] > T(0.5), zero, select(z[j * samples] == wrong, one, zero));
            margin = lead + wrong - right;
        }
        const Pack<T> short_by = select(margin <= zero, zero, margin);
        // The perceptron corrects a tie too; a hinge has no slope there.
        const Mask<T> corrects = loss == Loss::perceptron ? margin >= zero : margin > zero;
        const Pack<T> slope = (loss == Loss::squared_hinge ? short_by + short_by : select(corrects, one, zero)) * scale;
        if (outputs == 1) derivative[0] = -side * slope;
        else
            for (int j = 0; j < outputs; ++j)
                derivative[j * samples] =
                    select(y[j * samples] > T(0.5), -slope, select(z[j * samples] == wrong, slope / ties, zero));
        return loss == Loss::squared_hinge ? short_by * short_by : short_by;
    }
    for (int j = 0; j < outputs; ++j) {
        Pack<T> d;
        total = total + output_loss<T>(loss, z[j * samples], y[j * samples], delta, d);
        derivative[j * samples] = d * (scale / T(outputs));
    }
    return total / T(outputs);
}

// 1 for a right label and 0 for a wrong one; for a regression the squared error.
template <class T>
Pack<T> sample_credit(bool labels, T boundary, const Pack<T>* z, const Pack<T>* y, int outputs, int samples) {
    const Pack<T> zero{}, one = all(T(1));
    if (!labels) {
        Pack<T> total{};
        for (int j = 0; j < outputs; ++j) {
            const Pack<T> error = z[j * samples] - y[j * samples];
            total = total + error * error;
        }
        return total;
    }
    if (outputs == 1) return select((z[0] > boundary) == (y[0] > T(0.5)), one, zero);
    // The first of the largest outputs answers; a NaN counts as the largest.
    Pack<T> best = z[0], hit = select(y[0] > T(0.5), one, zero);
    for (int j = 1; j < outputs; ++j) {
        const Pack<T> next = z[j * samples];
        const Mask<T> better = (next > best) | ((next != next) & (best == best));
        best = select(better, next, best);
        hit = select(better, select(y[j * samples] > T(0.5), one, zero), hit);
    }
    return hit;
}

}  // namespace lanes
