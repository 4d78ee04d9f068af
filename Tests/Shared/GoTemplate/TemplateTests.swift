import GoTemplate
import Testing

@Suite struct TemplateTests {
    static let data: TemplateValue = .map([
        "name": .string("web"), "count": .integer(3), "ratio": .float(0.25), "on": .bool(true), "empty": .string(""),
        "list": .list([.string("a"), .string("b"), .string("c")]), "map": .map(["x": .integer(1), "y": .integer(2)]),
    ])

    @Test(arguments: [
        ("plain", "plain"), ("{{.name}}", "web"), ("a {{- .name -}} b", "awebb"), ("{{/* no */}}x", "x"), ("{{.missing}}|", "|"),
        ("{{if .on}}yes{{else}}no{{end}}", "yes"), ("{{if .empty}}yes{{else if eq .count 3}}three{{else}}no{{end}}", "three"),
        ("{{range .list}}[{{.}}]{{end}}", "[a][b][c]"), ("{{range $i, $x := .list}}{{$i}}={{$x}};{{end}}", "0=a;1=b;2=c;"),
        ("{{range $k, $v := .map}}{{$k}}{{$v}} {{end}}", "x1 y2 "), ("{{range .none}}a{{else}}nothing{{end}}", "nothing"),
        ("{{range .list}}{{if eq . \"b\"}}{{continue}}{{end}}{{.}}{{end}}", "ac"), ("{{range .list}}{{if eq . \"b\"}}{{break}}{{end}}{{.}}{{end}}", "a"),
        ("{{with .name}}<{{.}}>{{end}}", "<web>"), ("{{with .empty}}x{{else}}none{{end}}", "none"),
        ("{{$x := 1}}{{if true}}{{$x = 2}}{{end}}{{$x}}", "2"), ("{{$x := 1}}{{if true}}{{$x := 2}}{{end}}{{$x}}", "1"),
        ("{{define \"t\"}}<{{.}}>{{end}}{{template \"t\" .name}}", "<web>"), ("{{block \"b\" .name}}[{{.}}]{{end}}", "[web]"),
        ("{{.name | printf \"%-5s|\"}}", "web  |"),
        ("{{printf \"%.2f %5d %05.1f %q %x %t\" .ratio .count .ratio .name 255 .on}}", "0.25     3 000.2 \"web\" ff true"),
        ("{{printf \"%v %v\" 1e21 0.00001}}", "1e+21 1e-05"), ("{{printf \"%d\" \"x\"}}", "%!d(string=x)"), ("{{printf \"%s\"}}", "%!s(MISSING)"),
        ("{{and .on .empty}}|{{or .empty .name}}|{{not .on}}", "|web|false"), ("{{len .list}}{{index .list 1}}{{index .map \"y\"}}", "3b2"),
        ("{{slice .name 1}}{{slice .list 0 2}}", "eb[a b]"), ("{{print 1 2 \"a\" 3}}", "1 2a3"), ("{{html \"<a & b>\"}}", "&lt;a &amp; b&gt;"),
        ("{{urlquery \"a b/ü\"}}", "a+b%2F%C3%BC"), ("{{(index .list 0) | printf \"%s!\"}}", "a!"),
        ("{{lt 1 2}}{{ge .ratio 0.25}}{{eq .name \"x\" \"web\"}}", "truetruetrue"),
        ("{{`raw \"text\"`}}{{\"\\u00fc\\x41\\t\"}}", "raw \"text\"üA\t"), ("{{$.name}}{{range .list}}{{$.count}}{{end}}", "web333"), ("{{'a'}}", "97"),
        ("{{range 3}}{{.}}{{end}}", "012"), ("{{ if\n .on }}two lines{{ end }}", "two lines"),
    ])
    func `writes what Go writes`(source: String, expected: String) throws {
        #expect(try Template(source).text(for: Self.data) == expected)
    }

    @Test(arguments: [
        ("a\n{{.name", "t:2: unclosed action"), ("{{if .a}}x", "if has no {{end}}"), ("{{end}}", "unexpected {{end}}"), ("{{else}}", "unexpected {{else}}"),
        ("{{break}}", "{{break}} outside {{range}}"), ("{{\"a}}", "unterminated quoted string"), ("{{(1}}", "unclosed left paren"),
        ("{{1.2.3}}", "bad number syntax"), ("{{/* x", "unclosed comment"), ("{{}}", "missing value"),
    ])
    func `says where a template is wrong`(source: String, part: String) {
        #expect { try Template(source, name: "t") } throws: { "\($0)".contains(part) }
    }

    @Test(arguments: [
        ("{{nosuch 1}}", "function \"nosuch\" not defined"), ("{{$nosuch}}", "undefined variable: $nosuch"),
        ("{{.name.x}}", "can't evaluate field x in a string"),
        ("{{index .list 9}}", "error calling index: index out of range: 9"), ("{{template \"x\"}}", "template \"x\" not defined"),
        ("\n\n{{lt 1 \"a\"}}", "t:3: error calling lt"), ("{{define \"t\"}}{{template \"t\"}}{{end}}{{template \"t\"}}", "too deeply"),
        ("{{range 2000}}{{range 2000}}x{{end}}{{end}}", "took more than"), ("{{range 200000}}0123456789{{end}}", "output is over"),
    ])
    func `fails with the place, and ends`(source: String, part: String) {
        #expect { try Template(source, name: "t").text(for: Self.data) } throws: { "\($0)".contains(part) }
    }

    @Test func `functions and variables of the caller are known`() throws {
        let template = try Template("{{$labels.pod | upper}} {{twice $value}}")
        let text = try template.text(
            for: .none, variables: ["labels": .map(["pod": .string("web")]), "value": .float(1.5)],
            functions: [
                "upper": { .string($0[0].text.uppercased()) }, "twice": { .float(($0[0].number ?? 0) * 2) },
            ])
        #expect(text == "WEB 3")
    }

    @Test func `any text parses or is refused`() {
        var state: UInt64 = 0x5EED
        func next() -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1
            return state >> 33
        }
        let pieces = [
            "{{", "}}", "{{-", "-}}", "if", "range", "end", "else", ".", ".a", "$x", ":=", "|", "(", ")", "\"s\"", "`", "1", " ", "\n", "with", "and", "'",
        ]
        for _ in 0..<5_000 {
            let source = (0..<next() % 14).map { _ in pieces[Int(next()) % pieces.count] }.joined()
            _ = try? Template(source).text(for: Self.data)
        }
    }
}
