#include <gtest/gtest.h>

#include <boost/beast/zlib/inflate_stream.hpp>

#include "tests/management/http_test.h"

/// The listener, the router and who is let in.
namespace leveret::test {
namespace {

using ServerTest = HttpTest;
using std::string_view_literals::operator""sv;

TEST_F(ServerTest, TellsWhoAsks) {
  const auto response = get("/api/whoami");
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.header("content-type"), "application/json");
  EXPECT_EQ(response.body, R"({"name":"guest","tags":["administrator"]})");
}

TEST_F(ServerTest, AnswersSeveralRequestsOnOneConnection) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get("/api/whoami").status, 200u);
}

TEST_F(ServerTest, AsksForAPasswordWithoutABody) {
  const auto response = send({.path = "/api/whoami", .user = ""});
  EXPECT_EQ(response.status, 401u);
  EXPECT_EQ(response.header("www-authenticate"), "Basic realm=\"RabbitMQ Management\"");
  EXPECT_EQ(response.body, "");
}

TEST_F(ServerTest, RefusesAWrongPassword) {
  const auto response = get_as("guest:wrong", "/api/whoami");
  EXPECT_EQ(response.status, 401u);
  EXPECT_EQ(response.body, R"({"error":"not_authorized","reason":"Login failed"})");
}

TEST_F(ServerTest, RefusesOtherSchemesAndMalformedCredentials) {
  EXPECT_EQ(send({.path = "/api/whoami", .user = "", .headers = {{"Authorization", "Bearer abc"}}}).status, 401u);
  EXPECT_EQ(send({.path = "/api/whoami", .user = "", .headers = {{"Authorization", "Basic !!!"}}}).status, 400u);
}

TEST_F(ServerTest, DecidesAboutTheMethodBeforeThePassword) {
  const auto response = send({.method = "DELETE", .path = "/api/whoami", .user = ""});
  EXPECT_EQ(response.status, 405u);
  EXPECT_EQ(response.header("allow"), "HEAD, GET, OPTIONS");
}

TEST_F(ServerTest, AnswersOptionsWithoutAPassword) {
  const auto response = send({.method = "OPTIONS", .path = "/api/cluster-name", .user = ""});
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.header("allow"), "HEAD, GET, PUT, OPTIONS");
  EXPECT_EQ(response.header("access-control-allow-origin"), "") << "no origin is allowed unless configured";
}

TEST_F(ServerTest, DatesItsAnswers) {
  EXPECT_TRUE(get("/api/whoami").header("date").ends_with(" GMT")) << get("/api/whoami").header("date");
  put("/api/vhosts/orders");
  const auto empty = put("/api/vhosts/orders");
  EXPECT_EQ(empty.status, 204u);
  EXPECT_EQ(empty.header("content-length"), "") << "an answer without a body has none";
}

/// What is in a gzip file whose header is the shortest.
std::string unpacked(std::string_view file, std::size_t size) {
  std::string text(size + 1, ' ');
  boost::beast::zlib::inflate_stream stream;
  stream.reset(15);
  boost::beast::zlib::z_params inflating;
  inflating.next_in = file.data() + 10;
  inflating.avail_in = file.size() - 18;
  inflating.next_out = text.data();
  inflating.avail_out = text.size();
  boost::system::error_code error;
  stream.write(inflating, boost::beast::zlib::Flush::sync, error);
  text.resize(inflating.total_out);
  return text;
}

TEST_F(ServerTest, CompressesLongAnswersForThoseWhoTakeThat) {
  const auto plain = get("/api/openapi.json");
  EXPECT_EQ(plain.header("content-encoding"), "");
  for (const auto accepted : {"gzip", "deflate, GZIP;q=0.5", "br,gzip ; q=1"}) {
    const auto packed = send({.path = "/api/openapi.json", .headers = {{"Accept-Encoding", accepted}}});
    EXPECT_EQ(packed.header("content-encoding"), "gzip") << accepted;
    EXPECT_LT(packed.body.size(), plain.body.size() / 4);
    EXPECT_EQ(unpacked(packed.body, plain.body.size()), plain.body);
  }
  for (const auto accepted : {"deflate", "gzip;q=0", "x-gzip", "*", ""})
    EXPECT_EQ(send({.path = "/api/openapi.json", .headers = {{"Accept-Encoding", accepted}}}).body, plain.body)
        << accepted;
  EXPECT_EQ(send({.path = "/api/whoami", .headers = {{"Accept-Encoding", "gzip"}}}).header("content-encoding"), "")
      << "a short one";
}

TEST_F(ServerTest, AnswersHeadWithTheLengthAlone) {
  const auto response = send({.method = "HEAD", .path = "/api/whoami"});
  EXPECT_EQ(response.status, 200u);
  EXPECT_EQ(response.header("content-length"), std::to_string(get("/api/whoami").body.size()));
}

TEST_F(ServerTest, DoesNotKnowOtherMethodsAndPaths) {
  EXPECT_EQ(send({.method = "FOO", .path = "/api/whoami"}).status, 501u);
  EXPECT_EQ(send({.method = "PATCH", .path = "/api/whoami"}).status, 405u);
  EXPECT_EQ(error_of(get("/api/nosuch")), "Object Not Found: \"Not Found\"");
  EXPECT_EQ(get("/api/whoami/").status, 200u) << "a slash at the end says nothing";
}

TEST_F(ServerTest, RefusesMalformedPercentEncoding) {
  EXPECT_EQ(get("/api/%zz").status, 400u);
  EXPECT_EQ(get("/api/%4").status, 400u);
  EXPECT_EQ(get("/api/whoami?a=%").status, 400u);
}

TEST_F(ServerTest, RefusesABodyThatIsTooLarge) {
  const auto response = put("/api/cluster-name", std::string(10 * 1024 * 1024 + 1, 'x'));
  EXPECT_EQ(response.status, 400u);
  EXPECT_EQ(error_of(response), "bad_request: \"Exceeded HTTP request body size limit\"");
}

TEST_F(ServerTest, RefusesHeadersThatAreTooLarge) {
  EXPECT_EQ(send({.path = "/api/whoami", .headers = {{"X-Long", std::string(20'000, 'x')}}}).status, 431u);
}

TEST_F(ServerTest, RefusesWhatIsNoHttp) {
  EXPECT_EQ(client().send_raw("AMQP\0\0\x09\x01 and so on\r\n\r\n"sv).status, 400u);
}

TEST_F(ServerTest, GoesOnWithALargeBodyWhenItIsAskedTo) {
  client().socket().send(
      "PUT /api/cluster-name HTTP/1.1\r\nHost: h\r\nAuthorization: Basic Z3Vlc3Q6Z3Vlc3Q=\r\n"
      "Expect: 100-continue\r\nContent-Length: 12\r\n\r\n");
  EXPECT_EQ(client().send_raw("").status, 100u);
  EXPECT_EQ(client().send_raw(R"({"name":"a"})").status, 204u);
}

TEST_F(ServerTest, NamesTheCluster) {
  EXPECT_EQ(put("/api/cluster-name", R"({"name":"orders"})").status, 204u);
  EXPECT_EQ(get("/api/cluster-name").body, R"({"name":"orders"})");
  EXPECT_EQ(error_of(put("/api/cluster-name", "{}")), R"(bad_request: "[{key_missing,name}]")");
  EXPECT_EQ(error_of(put("/api/cluster-name", "[]")), R"(bad_request: "not_json")");
  EXPECT_EQ(error_of(put("/api/cluster-name", "{")), R"(bad_request: "not_json")");
}

TEST_F(ServerTest, ShowsAnOverview) {
  connect().open_channel().declare_queue("q");
  const json::value overview = get("/api/overview").json();
  EXPECT_EQ(overview.at("object_totals").at("queues").as_int64(), 1);
  EXPECT_EQ(overview.at("object_totals").at("connections").as_int64(), 1);
  EXPECT_EQ(overview.at("object_totals").at("exchanges").as_int64(), 7);
  EXPECT_EQ(overview.at("listeners").as_array().size(), 2u);
}

class CorsTest : public HttpTest {
 protected:
  CorsTest() : HttpTest({.cors_origins = {"http://pages"}}) {}
};

TEST_F(CorsTest, LetsPagesOfAnAllowedOriginIn) {
  const auto response =
      send({.method = "OPTIONS", .path = "/api/whoami", .user = "", .headers = {{"Origin", "http://pages"}}});
  EXPECT_EQ(response.header("access-control-allow-origin"), "http://pages");
  EXPECT_EQ(response.header("access-control-allow-headers"), "");
  const auto asking = send({.method = "OPTIONS",
                            .path = "/api/whoami",
                            .user = "",
                            .headers = {{"Origin", "http://pages"}, {"Access-Control-Request-Headers", "x-own"}}});
  EXPECT_EQ(asking.header("access-control-allow-headers"), "x-own");
  EXPECT_EQ(response.header("access-control-allow-methods"), "HEAD, GET, OPTIONS");
  EXPECT_EQ(
      send({.path = "/api/whoami", .headers = {{"Origin", "http://others"}}}).header("access-control-allow-origin"),
      "");
}

class BoundedTest : public HttpTest {
 protected:
  BoundedTest() : HttpTest({.connections_max = 2, .request_timeout = std::chrono::seconds{1}}) {}
};

TEST_F(BoundedTest, RefusesMoreConnectionsThanItMayHave) {
  get("/api/whoami");
  HttpClient second{http_.port()};
  EXPECT_EQ(second.send({.path = "/api/whoami"}).status, 200u);
  TestSocket third{http_.port()};
  EXPECT_EQ(third.receive(), "") << "closed at once";
}

TEST_F(BoundedTest, DoesNotWaitForeverForTheRestOfARequest) {
  client().socket().send("PUT /api/cluster-name HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n{");
  EXPECT_EQ(client().socket().receive(), "") << "closed after a second";
}

}  // namespace
}  // namespace leveret::test
