#include "perf/address.h"

#include <stdexcept>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace leveret::perf {

Address parse_address(std::string_view uri) {
  const auto parsed = boost::urls::parse_uri({uri.data(), uri.size()});
  if (!parsed) throw std::invalid_argument{"not a URI: " + std::string{uri}};
  const boost::urls::url_view url = *parsed;
  if (url.scheme() != "amqp") throw std::invalid_argument{"not an amqp:// URI: " + std::string{uri}};
  Address address;
  if (!url.host().empty()) address.host = url.host_address();
  if (url.has_port()) address.port = url.port_number();
  if (url.has_userinfo()) address.user = url.user();
  if (url.has_password()) address.password = url.password();
  // `amqp://host/` names the virtual host of no name, `amqp://host` none.
  if (!url.encoded_path().empty())
    address.virtual_host = boost::urls::pct_string_view{url.encoded_path().substr(1)}.decode();
  return address;
}

}  // namespace leveret::perf
