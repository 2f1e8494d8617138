// The door to Python: every shape is checked here, once, so that the kernel need not.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <array>
#include <memory>
#include <tuple>
#include <utility>

#include "block.hpp"

namespace nb = nanobind;
using namespace lanes;

template <class T> using Rows = nb::ndarray<const T, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

namespace {

void require(bool holds, const char* what) {
    if (!holds) throw std::invalid_argument(what);
}

// A NumPy array that owns `count` numbers' memory, aligned for packs.
template <class T, class... N> nb::ndarray<nb::numpy, T> fresh(T*& data, N... shape) {
    const size_t sizes[] = {size_t(shape)...};
    size_t count = 1;
    for (size_t s : sizes) count *= s;
    auto* memory = new Pack<T>[count / width<T> + 1];
    data = reinterpret_cast<T*>(memory);
    return nb::ndarray<nb::numpy, T>(data, sizeof...(N), sizes,
                                     nb::capsule(memory, [](void* p) noexcept { delete[] static_cast<Pack<T>*>(p); }));
}

void check_formula(const Formula& formula) {
    const int given = 1 + formula.parameters + int(formula.constants.size());
    require(formula.registers >= given && formula.registers < 100000, "registers");
    auto within = [&](int r) { return r >= 0 && r < formula.registers; };
    require(within(formula.value) && within(formula.slope), "a formula's results");
    require(formula.fixed >= 0 && formula.fixed <= int(formula.code.size()), "a formula's fixed part");
    for (const Instruction& step : formula.code) {
        const Operation operation = Operation(step.operation);
        require(step.operation >= 0 && operation <= Operation::softplus, "an operation");
        require(within(step.a) && within(step.c) && within(step.target) && step.target >= given, "a register");
        require(operation == Operation::whole_power || within(step.b), "a register");
    }
}

// A block and the arrays that it points into.
template <class T> struct Handle {
    Rows<T> x_train, y_train, x_validation, y_validation;
    std::unique_ptr<Block<T>> block;
};

template <class T> Samples<T> samples_of(const Rows<T>& x, const Rows<T>& y, double spread) {
    require(x.shape(0) == y.shape(0) && x.shape(0) < (1u << 30), "as many targets as inputs");
    return {x.data(), y.data(), int(x.shape(0)), int(x.shape(1)), int(y.shape(1)), T(spread)};
}

template <class T>
std::unique_ptr<Handle<T>> make(const Settings& settings, Rows<T> x_train, Rows<T> y_train, double train_spread,
                                Rows<T> x_validation, Rows<T> y_validation, double validation_spread, Rows<T> parameters,
                                Rows<T> numbers, std::vector<int> offsets, Rows<uint32_t> keys) {
    const auto& widths = settings.widths;
    require(widths.size() >= 2, "widths of inputs and outputs");
    size_t size = 0;
    for (size_t l = 0; l < widths.size(); ++l) {
        require(widths[l] >= 1 && widths[l] < (1 << 20), "widths of 1 to 2^20");
        if (l) size += size_t(widths[l - 1] + 1) * widths[l];
    }
    const size_t trials = parameters.shape(0);
    require(trials > 0 && trials % width<T> == 0, "a multiple of the lanes of trials");
    require(parameters.shape(1) == size, "as many parameters as the widths say");
    require(numbers.shape(0) == trials && keys.shape(0) == trials && keys.shape(1) == 2, "a row for each trial");
    require(offsets.size() == 6 && offsets[0] == Number::entries && offsets[5] == int(numbers.shape(1)), "offsets");
    for (int i = 0; i < 5; ++i) require(offsets[i] <= offsets[i + 1], "offsets that rise");
    require(settings.hidden.parameters == offsets[1] - offsets[0] && settings.output.parameters == offsets[2] - offsets[1],
            "a number for each of the activations' parameters");
    const Samples<T> train = samples_of(x_train, y_train, train_spread);
    const Samples<T> validation = samples_of(x_validation, y_validation, validation_spread);
    for (const Samples<T>& split : {train, validation})
        require(split.inputs == widths.front() && split.outputs == widths.back(), "samples as wide as the network");
    require(train.count > 0 && settings.batch >= 0 && settings.batch <= train.count, "a batch of the training samples");
    require(settings.metric >= 0 && settings.metric < 4, "a metric");
    check_formula(settings.hidden);
    check_formula(settings.output);
    auto handle = std::make_unique<Handle<T>>(Handle<T>{x_train, y_train, x_validation, y_validation, nullptr});
    nb::gil_scoped_release released;
    handle->block = std::make_unique<Block<T>>(settings, train, validation, int(trials), parameters.data(),
                                               numbers.data(), int(numbers.shape(1)), offsets, keys.data());
    return handle;
}

template <class T> nb::object scores(Handle<T>& handle) {
    T* data;
    auto result = fresh<T>(data, handle.block->trials(), 4);
    {
        nb::gil_scoped_release released;
        handle.block->scores(data);
    }
    return nb::cast(result);
}

template <class T> nb::object parameters(Handle<T>& handle) {
    T* data;
    auto result = fresh<T>(data, handle.block->trials(), handle.block->size);
    {
        nb::gil_scoped_release released;
        handle.block->parameters(data);
    }
    return nb::cast(result);
}

template <class T> nb::list inside(Handle<T>& handle, size_t g) {
    const Block<T>& block = *handle.block;
    require(g < block.group_count(), "a group");
    const int samples = block.looked_at();
    std::vector<typename Block<T>::View> views;
    nb::list result;
    for (const Layer& layer : block.layers) {
        T* at[4];
        nb::list arrays;
        for (int i = 0; i < 3; ++i) arrays.append(nb::cast(fresh<T>(at[i], layer.fan_out, samples, width<T>)));
        arrays.append(nb::cast(fresh<T>(at[3], layer.fan_in, layer.fan_out, width<T>)));
        auto pack = [&](int i) { return reinterpret_cast<Pack<T>*>(at[i]); };
        views.push_back({pack(0), pack(1), pack(2), pack(3)});
        result.append(arrays);
    }
    nb::gil_scoped_release released;
    handle.block->inside(g, views);
    return result;
}

// (first, nan, stop) step of every trial.
template <class T> nb::list steps(Handle<T>& handle) {
    nb::list result;
    for (size_t g = 0; g < handle.block->group_count(); ++g)
        for (int w = 0; w < width<T>; ++w) {
            const auto& group = handle.block->group(g);
            result.append(nb::make_tuple(group.first_step[w], group.nan_step[w], group.stop_step[w]));
        }
    return result;
}

// Values of φ and φ′ at z (rows, lanes): for tests.
template <class T> nb::tuple apply(const Formula& formula, Rows<T> z, Rows<T> values) {
    check_formula(formula);
    require(z.shape(1) == width<T>, "a column for each lane");
    require(int(values.shape(0)) == formula.parameters && (values.shape(1) == width<T> || !formula.parameters), "parameters");
    const FlushDenormals flush;
    std::vector<Pack<T>> x(z.shape(0)), given(formula.parameters);
    std::memcpy(static_cast<void*>(x.data()), z.data(), x.size() * sizeof(Pack<T>));
    if (formula.parameters) std::memcpy(static_cast<void*>(given.data()), values.data(), given.size() * sizeof(Pack<T>));
    T *answer, *slope;
    auto a = fresh<T>(answer, z.shape(0), width<T>), b = fresh<T>(slope, z.shape(0), width<T>);
    Activation<T> activation(formula);
    activation.prepare(given.data());
    activation.apply(x.data(), reinterpret_cast<Pack<T>*>(answer), reinterpret_cast<Pack<T>*>(slope), x.size());
    return nb::make_tuple(a, b);
}

template <class T> void define(nb::module_& module, const char* name) {
    nb::class_<Handle<T>>(module, name)
        .def_static("make", &make<T>)
        .def("advance", [](Handle<T>& h, int64_t until, double seconds) { return h.block->advance(until, seconds); },
             nb::call_guard<nb::gil_scoped_release>())
        .def("done", [](Handle<T>& h) { return h.block->done(); })
        .def("scores", &scores<T>)
        .def("inside", &inside<T>)
        .def("parameters", &parameters<T>)
        .def("steps", &steps<T>)
        .def_static("apply", &apply<T>)
        .def_ro_static("lanes", &width<T>);
}

}  // namespace

NB_MODULE(LANES_MODULE, module) {
    nb::class_<Formula>(module, "Formula")
        .def("__init__", [](Formula* self, std::string name, int parameters, std::vector<double> constants,
                            std::vector<std::tuple<int, int, int, int, int>> code, int fixed, int registers, int value,
                            int slope) {
            std::vector<Instruction> instructions;
            for (auto [operation, target, a, b, c] : code) instructions.push_back({operation, target, a, b, c});
            new (self) Formula{std::move(name), parameters, std::move(constants), std::move(instructions), fixed,
                               registers, value, slope};
        });
    nb::class_<Settings>(module, "Settings")
        .def(nb::init<>())
        .def_rw("widths", &Settings::widths)
        .def_rw("residual", &Settings::residual)
        .def_rw("loss", &Settings::loss)
        .def_rw("optimizer", &Settings::optimizer)
        .def_rw("schedule", &Settings::schedule)
        .def_rw("batch", &Settings::batch)
        .def_rw("labels", &Settings::labels)
        .def_rw("boundary", &Settings::boundary)
        .def_rw("metric", &Settings::metric)
        .def_rw("at_least", &Settings::at_least)
        .def_rw("clip", &Settings::clip)
        .def_rw("l1", &Settings::l1)
        .def_rw("l2", &Settings::l2)
        .def_rw("decay", &Settings::decay)
        .def_rw("patience", &Settings::patience)
        .def_rw("steps", &Settings::steps)
        .def_rw("hidden", &Settings::hidden)
        .def_rw("output", &Settings::output);
    define<float>(module, "Block32");
    define<double>(module, "Block64");
}
