// A device that computes on the CPU: its memory is the host's, its operators are torch's CPU fallback,
// its events read the host's clock. fake_accelerator.py compiles it.
#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/InferSize.h>
#include <ATen/TensorUtils.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <c10/core/Allocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/extension.h>
#include <chrono>
#include <cstring>

using c10::Device; using c10::DeviceIndex; using c10::DeviceType; using c10::Stream;
constexpr auto KIND = DeviceType::PrivateUse1;

struct Memory final : c10::Allocator {
  static void del(void* p) { std::free(p); }
  c10::DataPtr allocate(size_t n) override {
    void* p = n ? std::malloc(n) : nullptr;
    return {p, p, &del, Device(KIND, 0)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &del; }
  void copy_data(void* to, const void* from, std::size_t n) const override { std::memcpy(to, from, n); }
};
static Memory memory;
REGISTER_ALLOCATOR(KIND, &memory);

struct Guard final : c10::impl::DeviceGuardImplInterface {
  DeviceType type() const override { return KIND; }
  Device exchangeDevice(Device) const override { return {KIND, 0}; }
  Device getDevice() const override { return {KIND, 0}; }
  void setDevice(Device) const override {}
  void uncheckedSetDevice(Device) const noexcept override {}
  Stream getStream(Device d) const override { return Stream(Stream::DEFAULT, d); }
  Stream getDefaultStream(Device d) const override { return Stream(Stream::DEFAULT, d); }
  Stream exchangeStream(Stream s) const override { return s; }
  DeviceIndex deviceCount() const noexcept override { return 1; }
  void record(void** e, const Stream&, const DeviceIndex, const c10::EventFlag) const override {
    if (!*e) *e = new double;
    *static_cast<double*>(*e) =
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
  }
  void block(void*, const Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  void destroyEvent(void* e, const DeviceIndex) const noexcept override { delete static_cast<double*>(e); }
  bool queryStream(const Stream&) const override { return true; }
  void synchronizeStream(const Stream&) const override {}
  void synchronizeEvent(void*) const override {}
  void synchronizeDevice(const DeviceIndex) const override {}
  double elapsedTime(void* a, void* b, const DeviceIndex) const override {
    return *static_cast<double*>(b) - *static_cast<double*>(a);
  }
};
C10_REGISTER_GUARD_IMPL(PrivateUse1, Guard);

struct Hooks final : at::PrivateUse1HooksInterface {
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return true; }
};
static Hooks hooks;

at::Tensor empty(c10::IntArrayRef size, std::optional<at::ScalarType> dtype, std::optional<at::Layout>,
                 std::optional<Device>, std::optional<bool>, std::optional<at::MemoryFormat> format) {
  return at::detail::empty_generic(size, &memory, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                   c10::dtype_or_default(dtype), format);
}
at::Tensor empty_strided(c10::IntArrayRef size, c10::IntArrayRef stride, std::optional<at::ScalarType> dtype,
                         std::optional<at::Layout>, std::optional<Device>, std::optional<bool>) {
  return at::detail::empty_strided_generic(size, stride, &memory, c10::DispatchKeySet(c10::DispatchKey::PrivateUse1),
                                           c10::dtype_or_default(dtype));
}
at::Tensor on_cpu(const at::Tensor& t) {  // the same memory, seen as the CPU's
  return at::from_blob(const_cast<void*>(t.storage().data()), t.sizes(), t.strides(), t.storage_offset(),
                       [](void*) {}, t.options().device(at::kCPU));
}
at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool) {
  auto a = from.is_cpu() ? from : on_cpu(from), b = to.is_cpu() ? to : on_cpu(to);
  if (b.numel()) b.copy_(a);
  return to;
}
at::Tensor copy_from_resize(const at::Tensor& from, const at::Tensor& to) {
  if (from.sizes() != to.sizes()) const_cast<at::Tensor&>(to).resize_(from.sizes());
  return copy_from(from, to, false);
}
at::Tensor fake_as_strided(const at::Tensor& self, c10::IntArrayRef size, c10::IntArrayRef stride, std::optional<int64_t> offset) {
  auto made = at::detail::make_tensor<c10::TensorImpl>(c10::TensorImpl::VIEW, c10::Storage(self.storage()),
                                                       self.key_set(), self.dtype());
  made.unsafeGetTensorImpl()->set_storage_offset(offset.value_or(self.storage_offset()));
  made.unsafeGetTensorImpl()->set_sizes_and_strides(size, stride);
  return made;
}
const at::Tensor& resize_(const at::Tensor& self, c10::IntArrayRef size, std::optional<at::MemoryFormat>) {
  int64_t n = self.itemsize();
  for (auto s : size) n *= s;
  if ((size_t)n > self.storage().nbytes()) {
    auto storage = self.storage();
    storage.set_data_ptr_noswap(memory.allocate(n));
    storage.set_nbytes(n);
  }
  self.unsafeGetTensorImpl()->set_sizes_contiguous(size);
  return self;
}
at::Tensor view(const at::Tensor& self, c10::IntArrayRef size) {
  auto full = at::infer_size_dv(size, self.numel());
  auto stride = at::detail::computeStride(self.sizes(), self.strides(), full);
  TORCH_CHECK(stride.has_value(), "view size is not compatible; use reshape");
  return fake_as_strided(self, full, *stride, self.storage_offset());
}
at::Tensor reshape_alias(const at::Tensor& self, c10::IntArrayRef size, c10::IntArrayRef stride) {
  return fake_as_strided(self, size, stride, self.storage_offset());
}
at::Scalar local_scalar(const at::Tensor& self) { return on_cpu(self).item(); }
at::Tensor& set_source(at::Tensor& self, at::Storage source, int64_t offset, c10::IntArrayRef size, c10::IntArrayRef stride) {
  self.unsafeGetTensorImpl()->set_storage_keep_dtype(source);
  self.unsafeGetTensorImpl()->set_storage_offset(offset);
  self.unsafeGetTensorImpl()->set_sizes_and_strides(size, stride);
  return self;
}
TORCH_LIBRARY_IMPL(aten, PrivateUse1, m) {
  m.impl("empty.memory_format", empty); m.impl("empty_strided", empty_strided);
  m.impl("_copy_from", copy_from); m.impl("_copy_from_and_resize", copy_from_resize);
  m.impl("as_strided", fake_as_strided); m.impl("resize_", resize_); m.impl("view", view);
  m.impl("_reshape_alias", reshape_alias); m.impl("_local_scalar_dense", local_scalar);
  m.impl("set_.source_Storage_storage_offset", set_source);
}
void fallback(const c10::OperatorHandle& op, torch::jit::Stack* stack) { at::native::cpu_fallback(op, stack); }
TORCH_LIBRARY_IMPL(_, PrivateUse1, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&fallback>()); }
PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) { m.def("init", [] { at::RegisterPrivateUse1HooksInterface(&hooks); }); }
