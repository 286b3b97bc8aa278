#pragma once
#include <functional>
#include <string>
#include <vector>

#include "management/request.h"

namespace leveret::management {

/// What a listing shows, made only for those that are shown.
struct Items {
  std::size_t size = 0;
  std::function<std::string_view(std::size_t)> name{};
  std::function<json::object(std::size_t)> make{};
  /// As `make`, but only what stands together with one member, for sorting; `make` where it is not set.
  std::function<json::object(std::size_t, std::string_view member)> make_part{};
};

/// Items that have been made already, known by their member "name".
Items items_of(std::vector<json::object> objects);

enum class Paging { none, offered };

/// Sorts, filters, pages and picks columns as the query asks, which RabbitMQ's listings all do alike:
///
///     sort=COLUMN & sort_reverse=true        a column may lie deeper: message_stats.publish
///     columns=COLUMN,COLUMN
///     page=N & page_size=N & name=TEXT & use_regex=true     where paging is offered
///
/// Throws: Refusal for a page that does not exist, or parameters that are none.
Response list(const Request& request, const Items& items, Paging paging = Paging::none);

/// One object, with the columns that the query asks for.
Response show(const Request& request, const json::object& object);

}  // namespace leveret::management
