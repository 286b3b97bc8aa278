#include "configuration/listener_keys.h"

#include <iterator>
#include <string_view>
#include <utility>

namespace leveret::configuration {
namespace {

constexpr Word tls_versions{"tlsv1.3 tlsv1.2"};
constexpr Word verifications{"verify_peer verify_none"};

/// A row of a table that is the same for several listeners: `Part` is what it sets something of.
template <class Part>
struct Row {
  std::string_view name{};
  Type type{};
  std::string meaning{};
  void (*apply)(Part&, const Value&) = nullptr;
};

/// The rows as keys; `part_of` finds in a draft what they are about.
template <class Part, class PartOf>
std::vector<Key> keys_of(const std::string& prefix, const std::vector<Row<Part>>& rows, PartOf part_of) {
  std::vector<Key> keys;
  for (const Row<Part>& row : rows)
    keys.push_back(
        {.name = prefix + "." + std::string{row.name},
         .type = row.type,
         .meaning = row.meaning,
         .apply = [part_of, apply = row.apply](Draft& draft, const Value& value) { apply(part_of(draft), value); }});
  return keys;
}

}  // namespace

std::vector<Key> tls_keys(const std::string& prefix, TlsOf tls) {
  using Tls = broker::TlsOptions;
  const std::vector<Row<Tls>> rows{
      {"certfile", File{}, "its certificate, and those that lead to a known authority; PEM",
       [](Tls& t, const Value& v) { t.certificate = v.text; }},
      {"keyfile", File{}, "its key; PEM", [](Tls& t, const Value& v) { t.key = v.text; }},
      {"password", Text{}, "the password of that file", [](Tls& t, const Value& v) { t.key_password = v.text; }},
      {"cacertfile", File{}, "whose certificates clients may show; PEM",
       [](Tls& t, const Value& v) { t.authorities = v.text; }},
      {"verify", verifications, "whether clients are asked for a certificate",
       [](Tls& t, const Value& v) { t.verifies_peer = v.text == "verify_peer"; }},
      {"fail_if_no_peer_cert", Flag{}, "whether they have to show one",
       [](Tls& t, const Value& v) { t.requires_certificate = v.flag; }},
      {"depth", Number{.most = 100}, "certificates between theirs and its authority's",
       [](Tls& t, const Value& v) { t.depth = v.as<int>(); }},
      {"versions.$number", tls_versions, "a version that may be used; both when none is named",
       [](Tls& t, const Value& v) { t.versions.push_back(v.text); }},
      {"ciphers.$number", Text{}, "a cipher suite that may be used, as OpenSSL calls it",
       [](Tls& t, const Value& v) { t.ciphers.push_back(v.text); }},
      {"honor_cipher_order", Flag{}, "whether the broker's order of them counts; else the client's",
       [](Tls& t, const Value& v) { t.prefers_own_ciphers = v.flag; }},
  };
  return keys_of(prefix, rows, tls);
}

std::vector<Key> http_keys(const std::string& prefix, const std::string& what, HttpOf http) {
  const std::vector<Row<HttpDraft>> rows{
      {"tcp.port", port, "the port of " + what + "; 0 picks a free one",
       [](HttpDraft& h, const Value& v) { h.plain().port = v.as<std::uint16_t>(); }},
      {"tcp.ip", Host{}, "its address", [](HttpDraft& h, const Value& v) { h.plain().host = v.text; }},
      {"ssl.port", port, "the port of " + what + " with TLS, alone unless the other is named as well",
       [](HttpDraft& h, const Value& v) { h.secure().port = v.as<std::uint16_t>(); }},
      {"ssl.ip", Host{}, "its address", [](HttpDraft& h, const Value& v) { h.secure().host = v.text; }},
  };
  std::vector<Key> keys = keys_of(prefix, rows, http);
  auto of_tls = tls_keys(prefix + ".ssl", [http](Draft& draft) -> broker::TlsOptions& { return http(draft).tls(); });
  std::move(of_tls.begin(), of_tls.end(), std::back_inserter(keys));
  return keys;
}

}  // namespace leveret::configuration
