#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "http/router.h"

static void handle(struct http_request *request, void *context)
{
    (void)request;
    (void)context;
}

static struct http_route route(enum method method, const char *pattern)
{
    return (struct http_route){.method = method, .pattern = pattern, .handler = handle};
}

static struct http_router *router_of(const struct http_route *routes, size_t count)
{
    struct http_router *router;
    assert_int_equal(http_router_new(routes, count, &router), OK);
    return router;
}

static void a_path_finds_its_most_exact_route(void **state)
{
    (void)state;
    const struct http_route routes[] = {
        route(METHOD_GET, "/"),
        route(METHOD_GET, "/v1/{anything}/rows"),
        route(METHOD_GET, "/v1/loads/{load}"),
        route(METHOD_POST, "/v1/loads/{load}"),
        route(METHOD_GET, "/v1/loads/current"),
        route(METHOD_GET, "/v1/loads/{load}/rows"),
        route(METHOD_GET, "/v1/{first}/{second}"),
        route(METHOD_GET, "/v1/{zebra}/fixed"),
    };
    static const struct {
        const char *path;
        const char *pattern; /* NULL: not found */
    } rows[] = {
        {"/", "/"},
        {"/v1/loads/7", "/v1/loads/{load}"},
        {"/v1/loads/current", "/v1/loads/current"},
        {"/v1/loads/7/rows", "/v1/loads/{load}/rows"},
        {"/v1/other/rows", "/v1/{anything}/rows"},
        {"/v1/other/more", "/v1/{first}/{second}"},
        {"/v1/other/fixed", "/v1/{zebra}/fixed"},
        {"/v1/loads/", NULL},
        {"/v1/loads", NULL},
        {"/v1/loads/7/", NULL},
        {"/v1/loads/7/rows/", NULL},
        {"/v1/loads//rows", NULL},
        {"/v1/loadsX/7/rows", NULL},
        {"//", NULL},
        {"/v2/loads/7", NULL},
        {"/V1/loads/7", NULL},
    };
    struct http_router *router = router_of(routes, ARRAY_LENGTH(routes));
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        struct http_match match = http_router_find(router, METHOD_GET, bytes_of_text(rows[i].path));
        if (rows[i].pattern) {
            assert_non_null(match.route);
            assert_string_equal(match.route->pattern, rows[i].pattern);
        } else {
            assert_null(match.route);
            assert_int_equal(match.problem, HTTP_PROBLEM_NOT_FOUND);
        }
    }
    http_router_free(router);
}

static void parameters_come_in_their_order(void **state)
{
    (void)state;
    const struct http_route routes[] = {route(METHOD_GET, "/a/{one}/b/{two}")};
    struct http_router *router = router_of(routes, 1);
    struct http_match match = http_router_find(router, METHOD_GET, bytes_of_text("/a/first/b/second"));
    assert_int_equal(match.parameter_count, 2);
    assert_true(bytes_equal(match.parameters[0], bytes_of_text("first")));
    assert_true(bytes_equal(match.parameters[1], bytes_of_text("second")));
    http_router_free(router);
}

static void another_method_is_told_which_ones_there_are(void **state)
{
    (void)state;
    const struct http_route routes[] = {route(METHOD_GET, "/a"), route(METHOD_PUT, "/a"),
                                        route(METHOD_POST, "/b")};
    struct http_router *router = router_of(routes, ARRAY_LENGTH(routes));
    struct http_match match = http_router_find(router, METHOD_POST, bytes_of_text("/a"));
    assert_null(match.route);
    assert_int_equal(match.problem, HTTP_PROBLEM_METHOD_NOT_ALLOWED);
    assert_int_equal(match.allowed, 1u << METHOD_GET | 1u << METHOD_HEAD | 1u << METHOD_PUT);
    match = http_router_find(router, METHOD_OTHER, bytes_of_text("/b"));
    assert_int_equal(match.problem, HTTP_PROBLEM_METHOD_NOT_ALLOWED);
    assert_int_equal(match.allowed, 1u << METHOD_POST);
    http_router_free(router);
}

static void a_head_finds_the_route_of_get(void **state)
{
    (void)state;
    const struct http_route routes[] = {route(METHOD_GET, "/a"), route(METHOD_POST, "/b")};
    struct http_router *router = router_of(routes, ARRAY_LENGTH(routes));
    assert_non_null(http_router_find(router, METHOD_HEAD, bytes_of_text("/a")).route);
    assert_null(http_router_find(router, METHOD_HEAD, bytes_of_text("/b")).route);
    http_router_free(router);
}

static void routes_that_make_no_sense_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *patterns[2];
        enum status status;
    } rows[] = {
        {{"a", NULL}, ERR_MALFORMED},
        {{"", NULL}, ERR_MALFORMED},
        {{"/a//b", NULL}, ERR_MALFORMED},
        {{"/a/", NULL}, ERR_MALFORMED},
        {{"/{}", NULL}, ERR_MALFORMED},
        {{"/a{b}", NULL}, ERR_MALFORMED},
        {{"/{a}/{b}/{c}/{d}/{e}", NULL}, ERR_MALFORMED},
        {{"/a", "/a"}, ERR_EXISTS},
        {{"/{a}/x", "/{b}/x"}, ERR_EXISTS},
        {{"/{a}/x", "/{b}/y"}, OK},
        {{"/{a}/{b}/{c}/{d}", "/{a}/{b}/{c}"}, OK},
    };
    for (size_t i = 0; i < ARRAY_LENGTH(rows); i++) {
        const struct http_route routes[] = {
            route(METHOD_GET, rows[i].patterns[0]),
            route(METHOD_GET, rows[i].patterns[1] ? rows[i].patterns[1] : ""),
        };
        struct http_router *router;
        assert_int_equal(http_router_new(routes, rows[i].patterns[1] ? 2 : 1, &router), rows[i].status);
        http_router_free(router);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_finds_its_most_exact_route),
        cmocka_unit_test(parameters_come_in_their_order),
        cmocka_unit_test(another_method_is_told_which_ones_there_are),
        cmocka_unit_test(a_head_finds_the_route_of_get),
        cmocka_unit_test(routes_that_make_no_sense_are_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
