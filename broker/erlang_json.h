#pragma once
#include <string>

#include <boost/json/value.hpp>

namespace leveret::broker {

/// A JSON value as RabbitMQ's texts show it: `5`, `<<"text">>`, `[<<"a">>,1]`, `#{<<"key">> => true}`.
std::string erlang_text(const boost::json::value& value);

/// The members of an object as a list of pairs, by name: `[{<<"a">>,1},{<<"b">>,2}]`.
std::string erlang_pairs(const boost::json::object& object);

}  // namespace leveret::broker
