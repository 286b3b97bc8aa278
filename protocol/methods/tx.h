#pragma once
#include <cstdint>
#include <tuple>

#include "protocol/method.h"

/// Transactions of publishing and acknowledging.  Class 90.
namespace leveret::protocol::tx {

/// Makes the channel transactional.
struct Select {
  static constexpr MethodId id{90, 10};
  static constexpr std::string_view name = "tx.select";

  static constexpr auto fields = std::tuple{};
};

/// Confirms tx.select.
struct SelectOk {
  static constexpr MethodId id{90, 11};
  static constexpr std::string_view name = "tx.select-ok";

  static constexpr auto fields = std::tuple{};
};

/// Does what the transaction has gathered.
struct Commit {
  static constexpr MethodId id{90, 20};
  static constexpr std::string_view name = "tx.commit";

  static constexpr auto fields = std::tuple{};
};

/// Confirms tx.commit.
struct CommitOk {
  static constexpr MethodId id{90, 21};
  static constexpr std::string_view name = "tx.commit-ok";

  static constexpr auto fields = std::tuple{};
};

/// Forgets what the transaction has gathered.
struct Rollback {
  static constexpr MethodId id{90, 30};
  static constexpr std::string_view name = "tx.rollback";

  static constexpr auto fields = std::tuple{};
};

/// Confirms tx.rollback.
struct RollbackOk {
  static constexpr MethodId id{90, 31};
  static constexpr std::string_view name = "tx.rollback-ok";

  static constexpr auto fields = std::tuple{};
};

}  // namespace leveret::protocol::tx
