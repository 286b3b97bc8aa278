#pragma once
#include <concepts>
#include <cstddef>
#include <string_view>
#include <tuple>

#include "protocol/field_table.h"
#include "protocol/octets.h"

namespace leveret::protocol {

/// One argument of a method, or one property of a content header: the specification's name and the member it fills.
template <class Owner, class Value>
struct Field {
  std::string_view name{};
  Value Owner::*member{};
};

template <class Owner, class Value>
constexpr Field<Owner, Value> field(std::string_view name, Value Owner::*member) {
  return {name, member};
}

/// Stands for a member of any type while members are counted.
struct AnyMember {
  template <class T>
  operator T() const;
};

/// How many members an aggregate has.
template <class Aggregate, class... Counted>
consteval std::size_t member_count() {
  if constexpr (requires { Aggregate{Counted{}..., AnyMember{}}; })
    return member_count<Aggregate, Counted..., AnyMember>();
  else
    return sizeof...(Counted);
}

/// A method of AMQP 0-9-1: a struct with its `id`, its `name` (`queue.declare`) and the list of its `fields`, as many
/// as it has members.  Their types are bool (a bit), std::uint8_t to std::uint64_t, DeliveryTag, ShortString,
/// LongString and FieldTable.  The views among them point into what was decoded.
///
/// A method that is followed by a content header and body says `carries_content`.
template <class M>
concept Method = requires {
  { M::id } -> std::convertible_to<MethodId>;
  { M::name } -> std::convertible_to<std::string_view>;
  M::fields;
}
&&member_count<M>() == std::tuple_size_v<std::remove_cvref_t<decltype(M::fields)>>;

/// Whether a content header and body follow the method.
template <Method M>
inline constexpr bool content_follows = requires {
  M::carries_content;
};

template <Method... Methods>
struct MethodList {};

}  // namespace leveret::protocol
