import Alerting
import Telemetry
import Testing

@Suite struct AlertTemplateTests {
    @Test(arguments: [
        ("plain", "plain"), ("{{ $labels.pod }} at {{ $value }}", "web-1 at 1234.5"), ("{{ .Labels.missing }}|", "|"),
        ("{{ humanize $value }} {{ humanize 0.0012 }} {{ humanize 12345678.0 }} {{ humanize 0.0 }}", "1.234k 1.2m 12.35M 0"),
        ("{{ humanize1024 2048.0 }} {{ humanize1024 1.0 }}", "2ki 1"),
        (
            "{{ humanizeDuration 93784.0 }}|{{ humanizeDuration 61.5 }}|{{ humanizeDuration 0.0123 }}|{{ humanizeDuration 59.5 }}",
            "1d 2h 3m 4s|1m 1s|12.3ms|59.5s"
        ),
        ("{{ humanizePercentage 0.12345 }}", "12.35%"), ("{{ humanizeTimestamp 1435065584.128 }}", "2015-06-23 13:19:44.128 +0000 UTC"),
        ("{{ \"aa bb CC\" | title }} {{ toUpper \"x\" }} {{ toLower \"X\" }}", "Aa Bb CC X x"),
        (
            "{{ stripPort \"host:80\" }} {{ stripPort \"[::1]:80\" }} {{ stripDomain \"a.b.c:80\" }} {{ stripDomain \"10.0.0.1:80\" }}",
            "host ::1 a:80 10.0.0.1:80"
        ),
        ("{{ match \"a.*c\" \"xabcx\" }} {{ reReplaceAll \"(a)(b)\" \"$2$1\" \"abab\" }}", "true baba"),
        ("{{ graphLink \"up == 0\" }}", "/graph?g0.expr=up%20%3D%3D%200&g0.tab=0"), ("{{ parseDuration \"1h30m\" }}", "5400"),
        ("{{ with query \"up\" }}{{ . | first | value }} {{ (index . 1).Labels.instance }}{{ end }}", "1 b"),
        ("{{ range query \"up\" | sortByLabel \"instance\" }}{{ label \"instance\" . }}={{ .Value }} {{ end }}", "a=1 b=0 "),
        ("{{ query \"none\" | first | value }}", "<error expanding template: template: t:1: error calling first: first() called on vector with no elements>"),
        ("{{ query \"bad\" }}", "<error expanding template: no such thing>"),
        ("{{ define \"end-a\" }}<{{ . }}>{{ end }}{{ tmpl (printf \"end-%s\" \"a\") $value }} {{ tmpl \"end-a\" \"x\" | toUpper }}", "<1234.5> <X>"),
        ("{{ tmpl \"none\" . }}", "<error expanding template: template: t:1: template \"none\" not defined>"),
        (
            "{{ define \"d\" }}{{ tmpl \"d\" . }}{{ end }}{{ tmpl \"d\" . }}",
            "<error expanding template: template: t:1: template \"d\" calls itself too deeply>"
        ),
        ("{{ nosuch }}", "<error expanding template: template: t:1: function \"nosuch\" not defined>"),
        ("{{ $externalLabels.cluster }} {{ externalURL }} {{ pathPrefix }}", "home http://x:1/y /y"),
    ])
    func `expands as Prometheus does`(text: String, expected: String) async {
        let template = AlertTemplate(externalLabels: ["cluster": "home"], externalURL: "http://x:1/y")
        let result = await template.expand(
            text, name: "t", labels: ["pod": "web-1"], value: 1234.5, at: Timestamp(milliseconds: 0), querier: Answers())
        #expect(result == expected)
    }
}

struct Answers: RuleQuerier {
    struct Failure: Error, CustomStringConvertible { var description = "no such thing" }

    func instant(_ query: String, at time: Timestamp) async throws -> [RuleSample] {
        switch query {
        case "up": [RuleSample(labels: ["instance": "a"], value: 1), RuleSample(labels: ["instance": "b"], value: 0)]
        case "none": []
        default: throw Failure()
        }
    }

    func newest(_ query: String, from: Timestamp, through: Timestamp) async throws -> [(sample: RuleSample, time: Timestamp)] { [] }
}
