#pragma once
#include <concepts>
#include <cstdint>
#include <deque>
#include <random>
#include <string>

#include "protocol/field_table.h"
#include "protocol/octets.h"

namespace leveret::protocol {

/// Makes values of every kind a field can hold, and owns what the views among them point to.
class RandomValues {
 public:
  explicit RandomValues(std::uint64_t seed) : engine_{seed} {}

  std::uint64_t below(std::uint64_t limit) { return engine_() % limit; }

  void fill(bool& value) { value = below(2) == 1; }
  template <std::unsigned_integral T>
  void fill(T& value) {
    value = static_cast<T>(engine_() >> below(64));
  }
  void fill(DeliveryTag& value) { value = DeliveryTag{engine_()}; }
  void fill(ShortString& value) { value = text(below(4) == 0 ? 255 : below(20)); }
  void fill(LongString& value) { value = text(below(1000)); }
  void fill(FieldTable& value) { value = FieldTable{as_octets(keep(table(3).take()))}; }

  /// Any octets; they live as long as this object.
  std::string_view octets(std::size_t size) {
    std::string made;
    for (std::size_t i = 0; i < size; ++i) made += static_cast<char>(below(256));
    return keep(std::move(made));
  }

  /// Letters only.
  std::string_view text(std::size_t size) {
    std::string made;
    for (std::size_t i = 0; i < size; ++i) made += static_cast<char>('a' + below(26));
    return keep(std::move(made));
  }

  FieldTableBuilder table(int depth) {
    FieldTableBuilder builder;
    for (std::uint64_t i = below(6); i > 0; --i) put(builder, depth);
    return builder;
  }

 private:
  const std::string& keep(std::string made) { return kept_.emplace_back(std::move(made)); }

  void put(FieldTableBuilder& builder, int depth) {
    const std::string_view name = text(below(12));
    switch (below(depth > 0 ? 16 : 14)) {
      case 0:
        builder.put(name, text(below(40)));
        break;
      case 1:
        builder.put(name, below(2) == 1);
        break;
      case 2:
        builder.put(name, static_cast<std::int8_t>(engine_()));
        break;
      case 3:
        builder.put(name, static_cast<std::uint8_t>(engine_()));
        break;
      case 4:
        builder.put(name, static_cast<std::int16_t>(engine_()));
        break;
      case 5:
        builder.put(name, static_cast<std::uint16_t>(engine_()));
        break;
      case 6:
        builder.put(name, static_cast<std::int32_t>(engine_()));
        break;
      case 7:
        builder.put(name, static_cast<std::uint32_t>(engine_()));
        break;
      case 8:
        builder.put(name, static_cast<std::int64_t>(engine_()));
        break;
      case 9:
        builder.put(name, static_cast<double>(engine_()) / 3);
        break;
      case 10:
        builder.put(name, static_cast<float>(engine_()) / 3);
        break;
      case 11:
        builder.put(name, Timestamp{engine_()});
        break;
      case 12:
        builder.put(name, as_octets(octets(below(40))));
        break;
      case 13:
        builder.put(name, nullptr);
        break;
      case 14:
        builder.put(name, table(depth - 1));
        break;
      default:
        builder.put(name, FieldArrayBuilder{}.add(text(3)).add(table(depth - 1)).add(7));
    }
  }

  std::mt19937_64 engine_;
  std::deque<std::string> kept_{};
};

/// A seed that differs from run to run; tests print it.
inline std::uint64_t random_seed() {
  return std::random_device{}();
}

}  // namespace leveret::protocol
