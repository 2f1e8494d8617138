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
#include "draws.hpp"
#include "memory.hpp"

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
    auto of_parameters = [&](const std::vector<int>& places) {
        for (int place : places) require(place >= 0 && place < formula.parameters, "a formula's parameters");
    };
    require(formula.pieces >= 1 && formula.pieces <= 64 && formula.parameters >= 0 && formula.parameters < 1000, "a formula's variables");
    of_parameters(formula.learned);
    of_parameters(formula.drawn);
    require(formula.drawn.empty() || formula.drawn.size() == 2, "two bounds of what is drawn");
    const int given = formula.pieces + formula.parameters + !formula.drawn.empty() + int(formula.constants.size());
    require(formula.registers >= given && formula.registers < 100000, "registers");
    auto within = [&](int r) { return r >= 0 && r < formula.registers; };
    require(within(formula.value), "a formula's value");
    if (formula.name.empty()) require(formula.slopes.size() == formula.pieces + formula.learned.size(), "a formula's slopes");
    for (int slope : formula.slopes) require(within(slope), "a formula's slope");
    require(formula.fixed >= 0 && formula.fixed <= int(formula.code.size()), "a formula's fixed part");
    for (const Instruction& step : formula.code) {
        const Operation operation = Operation(step.operation);
        require(step.operation >= 0 && operation <= Operation::softplus, "an operation");
        require(within(step.a) && within(step.c) && within(step.target) && step.target >= given, "a register");
        require(operation == Operation::whole_power || within(step.b), "a register");
    }
}

// What is true of every block, whatever its arrays: sizes so small that no count of bytes can overflow.
void check_settings(const Settings& settings) {
    const std::vector<int>& widths = settings.shape.widths;
    require(widths.size() >= 2 && widths.size() <= 4096, "2 to 4096 widths");
    for (int width : widths) require(width >= 1 && width <= 1 << 20, "widths of 1 to 2^20");
    require(settings.metric >= 0 && settings.metric < 4, "a metric");
    require(settings.steps >= 0 && settings.steps < int64_t(1) << 32, "fewer than 2^32 steps");
    check_formula(settings.hidden);
    check_formula(settings.output);
    require(settings.output.pieces == 1 && settings.output.learned.empty(), "an output activation without parts of its own");
}

template <class T> size_t bytes(const Settings& settings, int64_t samples, int64_t trials) {
    check_settings(settings);
    require(samples > 0 && samples < 1 << 30 && trials > 0 && trials < 1 << 30, "fewer than 2^30 samples and trials");
    return footprint<T>(settings, int(samples), int(trials));
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
                                Rows<T> numbers, std::vector<int> offsets, Rows<uint32_t> order_keys,
                                Rows<uint32_t> dropout_keys, Rows<uint32_t> activation_keys) {
    check_settings(settings);
    const std::vector<int>& widths = settings.shape.widths;
    const size_t trials = parameters.shape(0);
    require(trials > 0 && trials < (1u << 30) && trials % width<T> == 0, "a multiple of the lanes of trials");
    require(parameters.shape(1) == layers_of(settings.shape, settings.hidden).back().end, "as many parameters as the widths say");
    require(numbers.shape(0) == trials, "a row of numbers for each trial");
    for (const auto& keys : {order_keys, dropout_keys, activation_keys})
        require(keys.shape(0) == trials && keys.shape(1) == 2, "a key for each trial");
    require(offsets.size() == 6 && offsets[0] == Number::entries && offsets[5] == int(numbers.shape(1)), "offsets");
    for (int i = 0; i < 5; ++i) require(offsets[i] <= offsets[i + 1], "offsets that rise");
    require(settings.hidden.parameters == offsets[1] - offsets[0] && settings.output.parameters == offsets[2] - offsets[1],
            "a number for each of the activations' parameters");
    require(offsets[loss_entry + 1] - offsets[loss_entry] >= parameters_of(loss_named(settings.loss)), "the loss's parameters");
    require(offsets[optimizer_entry + 1] - offsets[optimizer_entry] >= parameters_of(optimizer_named(settings.optimizer)), "the optimiser's parameters");
    require(offsets[schedule_entry + 1] - offsets[schedule_entry] >= parameters_of(schedule_named(settings.schedule)), "the schedule's parameters");
    const Samples<T> train = samples_of(x_train, y_train, train_spread);
    const Samples<T> validation = samples_of(x_validation, y_validation, validation_spread);
    for (const Samples<T>& split : {train, validation})
        require(split.inputs == widths.front() && split.outputs == widths.back(), "samples as wide as the network");
    require(train.count > 0 && settings.batch >= 0 && settings.batch <= train.count, "a batch of the training samples");
    auto handle = std::make_unique<Handle<T>>(Handle<T>{x_train, y_train, x_validation, y_validation, nullptr});
    nb::gil_scoped_release released;
    handle->block = std::make_unique<Block<T>>(settings, train, validation, int(trials), parameters.data(),
                                               numbers.data(), int(numbers.shape(1)), offsets,
                                               Keys{order_keys.data(), dropout_keys.data(), activation_keys.data()});
    return handle;
}

// What `call` raises ends the block's work.
Pulse pulse_of(const nb::callable& call) {
    return Pulse([call = call.ptr()] {
        nb::gil_scoped_acquire held;
        nb::borrow<nb::callable>(call)();
    });
}

// Trains to each of the rising steps `marks` and measures there: the four scores (marks, trials, 4) and the vital signs
// (marks, trials, layers, vital signs). In one call, because each wait for Python's lock may take milliseconds.
template <class T> nb::tuple train(Handle<T>& handle, const std::vector<int64_t>& marks, nb::callable on_pulse) {
    Pulse pulse = pulse_of(on_pulse);
    Block<T>& block = *handle.block;
    require(std::is_sorted(marks.begin(), marks.end()), "steps that rise");
    const size_t many = block.layers() * block.settings.vitals.size();
    T *scores, *signs;
    auto a = fresh<T>(scores, marks.size(), block.trials(), 4);
    auto b = fresh<T>(signs, marks.size(), block.trials(), block.layers(), block.settings.vitals.size());
    {
        nb::gil_scoped_release released;
        for (int64_t mark : marks) {
            block.advance(mark, pulse);
            block.measure(scores, signs, pulse);
            scores += block.trials() * 4, signs += block.trials() * many;
        }
    }
    return nb::make_tuple(a, b);
}

// (parameters, running statistics) of every trial.
template <class T> nb::tuple parameters(Handle<T>& handle) {
    const Block<T>& block = *handle.block;
    T *parameters, *running;
    auto a = fresh<T>(parameters, block.trials(), block.size());
    auto b = fresh<T>(running, block.trials(), block.statistics());
    block.parameters(parameters);
    block.running(running);
    return nb::make_tuple(a, b);
}

// (first, nan, stop) step of every trial.
template <class T> nb::list steps(Handle<T>& handle) {
    nb::list result;
    for (const auto& group : handle.block->all_groups())
        for (int w = 0; w < width<T>; ++w)
            result.append(nb::make_tuple(group.first_step[w], group.nan_step[w], group.stop_step[w]));
    return result;
}

// What is drawn for one layer's first weights, (trials, count); see draws.hpp.
nb::ndarray<nb::numpy, double> first_numbers(const std::string& distribution, Rows<uint32_t> keys, uint32_t layer, size_t count) {
    const size_t trials = keys.shape(0);
    require(keys.shape(1) == 2 && trials < (1u << 30) && count < (size_t(1) << 30), "keys of two words, fewer than 2^30 numbers");
    const Distribution wanted = distribution_named(distribution);
    double* numbers;
    auto result = fresh<double>(numbers, trials, count);
    nb::gil_scoped_release released;
    draw(wanted, keys.data(), trials, layer, count, numbers);
    return result;
}

// Values of φ and φ′ at z (rows, lanes), of an elementwise activation without anything learned: for tests.
template <class T> nb::tuple apply(const Formula& formula, Rows<T> z, Rows<T> values) {
    check_formula(formula);
    require(z.shape(1) == width<T> && z.shape(0) < (1u << 30), "a column for each lane");
    require(formula.pieces == 1 && formula.learned.empty(), "an elementwise activation");
    require(int(values.shape(0)) == formula.parameters && (values.shape(1) == width<T> || !formula.parameters), "parameters");
    const FlushDenormals flush;
    std::vector<Pack<T>> given(formula.parameters);
    if (formula.parameters) std::memcpy(static_cast<void*>(given.data()), values.data(), given.size() * sizeof(Pack<T>));
    T *answer, *slope;
    auto a = fresh<T>(answer, z.shape(0), width<T>), b = fresh<T>(slope, z.shape(0), width<T>);
    std::memcpy(slope, z.data(), z.shape(0) * sizeof(Pack<T>));
    Activation<T> activation(formula);
    activation.prepare(given.data());
    activation.forward(reinterpret_cast<Pack<T>*>(slope), 1, int(z.shape(0)), nullptr, nullptr,
                       reinterpret_cast<Pack<T>*>(answer), nullptr);
    return nb::make_tuple(a, b);
}

template <class T> void define(nb::module_& module, const char* name) {
    nb::class_<Handle<T>>(module, name)
        .def_static("make", &make<T>)
        .def_static("bytes", &bytes<T>)
        .def("train", &train<T>)
        .def("done", [](Handle<T>& h) { return h.block->done(); })
        .def("parameters", &parameters<T>)
        .def("steps", &steps<T>)
        .def_static("apply", &apply<T>)
        .def_ro_static("lanes", &width<T>);
}

}  // namespace

NB_MODULE(LANES_MODULE, module) {
    nb::class_<Formula>(module, "Formula")
        .def("__init__", [](Formula* self, std::string name, int pieces, int parameters, std::vector<int> learned,
                            std::vector<int> drawn, std::vector<double> constants,
                            std::vector<std::tuple<int, int, int, int, int>> code, int fixed, int registers, int value,
                            std::vector<int> slopes) {
            std::vector<Instruction> instructions;
            for (auto [operation, target, a, b, c] : code) instructions.push_back({operation, target, a, b, c});
            new (self) Formula{std::move(name), pieces, parameters, std::move(learned), std::move(drawn), std::move(constants),
                               std::move(instructions), fixed, registers, value, std::move(slopes)};
        });
    nb::class_<Settings> settings(module, "Settings");
    settings.def(nb::init<>());
    auto field = [&](const char* name, auto at) {  // `at` finds the member
        using Member = std::remove_cvref_t<decltype(at(std::declval<Settings&>()))>;
        settings.def_prop_rw(name, [at](Settings& s) { return at(s); }, [at](Settings& s, Member value) { at(s) = std::move(value); });
    };
    field("widths", [](Settings& s) -> auto& { return s.shape.widths; });
    field("residual", [](Settings& s) -> auto& { return s.shape.residual; });
    field("dropout", [](Settings& s) -> auto& { return s.shape.dropout; });
    settings.def_prop_rw("norm", [](Settings& s) { return int(s.shape.norm); },
                         [](Settings& s, const std::string& name) { s.shape.norm = norm_named(name); });
    field("loss", [](Settings& s) -> auto& { return s.loss; });
    field("optimizer", [](Settings& s) -> auto& { return s.optimizer; });
    field("schedule", [](Settings& s) -> auto& { return s.schedule; });
    field("batch", [](Settings& s) -> auto& { return s.batch; });
    field("labels", [](Settings& s) -> auto& { return s.labels; });
    field("boundary", [](Settings& s) -> auto& { return s.boundary; });
    field("metric", [](Settings& s) -> auto& { return s.metric; });
    field("at_least", [](Settings& s) -> auto& { return s.at_least; });
    field("clip", [](Settings& s) -> auto& { return s.penalties.clip; });
    field("l1", [](Settings& s) -> auto& { return s.penalties.l1; });
    field("l2", [](Settings& s) -> auto& { return s.penalties.l2; });
    field("decay", [](Settings& s) -> auto& { return s.penalties.decay; });
    field("patience", [](Settings& s) -> auto& { return s.patience; });
    field("steps", [](Settings& s) -> auto& { return s.steps; });
    field("hidden", [](Settings& s) -> auto& { return s.hidden; });
    field("output", [](Settings& s) -> auto& { return s.output; });
    field("vitals", [](Settings& s) -> auto& { return s.vitals; });
    module.def("draw", &first_numbers);
    define<float>(module, "Block32");
    define<double>(module, "Block64");
}
