import JSON
import Testing
import YAML

private func one(_ text: String) throws -> JSON { try #require(YAMLParser.documents(Array(text.utf8)).first) }
private func failure(_ text: String) throws -> YAMLError {
    try #require(throws: YAMLError.self) { try YAMLParser.documents(Array(text.utf8), file: "a.yaml") }
}

@Suite struct YAMLParserTests {
    @Test(
        arguments: [
            ("a", "a"), ("~", .null), ("null", .null), ("true", true), ("False", false), ("yes", true), ("off", false), ("y", "y"), ("n", "n"),
            ("1", 1), ("-7", -7), ("+7", 7), ("0644", 420), ("0o644", 420), ("0x1F", 31), ("0b101", 5), ("1_000", 1000), ("08", 8),
            ("1.5", 1.5), (".5", 0.5), ("1.", 1), ("1e3", 1000), ("-2.5e-1", -0.25), ("9223372036854775807", 9_223_372_036_854_775_807),
            ("18446744073709551616", 18446744073709551616.0), ("1.2.3", "1.2.3"), ("10.0.0.1", "10.0.0.1"), ("2026-11-24", "2026-11-24"), ("12:30", "12:30"),
            ("1Gi", "1Gi"), ("100m", "100m"), ("0x", "0x"), ("--1", "--1"), ("+-1", "+-1"), ("-", ["placeholder"]), ("'1'", "1"), ("\"true\"", "true"),
            ("!!str 1", "1"),
            ("!!int '1'", 1), ("1e", "1e"), ("v1", "v1"), ("nginx:1.27", "nginx:1.27"), ("\"a\\tb\\u00e9\"", "a\tbé"), ("0", 0), ("-0", 0), ("1e400", "1e400"),
        ] as [(String, JSON)])
    func `scalars mean what Kubernetes takes them for`(text: String, value: JSON) throws {
        // A lone dash is a list with an empty element.
        let expected = text == "-" ? [.null] : value
        let read = try one(text)
        #expect(read == expected)
    }

    @Test func `mappings, lists and blocks`() throws {
        let text = """
            # A comment.
            kind: Pod
            metadata: {name: web, labels: {app: web}}
            spec:
              containers:
              - name: c
                args: ["-c", 'echo it''s']
                script: |
                  line 1
                    line 2
                folded: >-
                  one
                  two
              empty:
              8080: port
            """
        #expect(
            try one(text) == [
                "kind": "Pod", "metadata": ["name": "web", "labels": ["app": "web"]],
                "spec": [
                    "containers": [["name": "c", "args": ["-c", "echo it's"], "script": "line 1\n  line 2\n", "folded": "one two"]], "empty": nil,
                    "8080": "port",
                ],
            ])
    }

    @Test func `documents are split and empty ones left out`() throws {
        #expect(try YAMLParser.documents(Array("---\na: 1\n---\n# nothing\n---\n\n---\nb: 2\n...\n".utf8)) == [["a": 1], ["b": 2]])
        #expect(try YAMLParser.documents([]) == [])
        #expect(try YAMLParser.documents(Array("# only this".utf8)) == [])
        #expect(try YAMLParser.documents(Array("--- null\n".utf8)) == [.null])
        #expect(try one(#"{"a": [1, 2.5, null, "x"], "b": {}}"#) == ["a": [1, 2.5, nil, "x"], "b": [:]])
    }

    @Test func `anchors, aliases and merge keys`() throws {
        #expect(try one("a: &x {p: 1, q: 2}\nb: *x\nc: {<<: *x, q: 3}\n") == ["a": ["p": 1, "q": 2], "b": ["p": 1, "q": 2], "c": ["q": 3, "p": 1]])
        #expect(try one("- &x {p: 1}\n- &y {p: 2, q: 2}\n- {<<: [*x, *y]}\n")[2] == ["p": 1, "q": 2])
        #expect(try one("&k a: 1\nb: *k\n") == ["a": 1, "b": "a"])
    }

    @Test(arguments: [
        ("a: 1\na: 2\n", "a.yaml:2:1: key \"a\" comes twice in one mapping; remove one of the two"),
        ("a: b: c\n", "a.yaml:1:5: mapping values are not allowed in this context; put a value that holds \": \" in quotes, or mend the indentation"),
        ("a:\n\tb: 1\n", "a.yaml:2:1: while scanning for the next token (from line 2): found a tab where indentation is expected; indent with spaces"),
        ("a: *x\n", "a.yaml:1:4: *x refers to no anchor above it; write &x before the value that is meant, or quote the text"),
        ("a: [1, 2\n", "a.yaml:2:1: while parsing a flow sequence (from line 1): did not find expected ',' or ']'"),
        ("a: .inf\n", "a.yaml:1:4: .inf is no number that JSON can hold; put it in quotes if it is a text"),
        ("[a]: 1\n", "a.yaml:1:1: a key must be a text, not a list or a mapping; put text that starts with { or [ in quotes"),
        ("a: !vault x\n", "a.yaml:1:4: tag !vault is not known here; remove the tag, or put a value that starts with \"!\" in quotes"),
        ("a: {<<: 1}\n", "a.yaml:1:9: << takes a mapping or a list of them, not integer"),
        ("a: 1\n  b: 2\n", "a.yaml:2:4: mapping values are not allowed in this context; put a value that holds \": \" in quotes, or mend the indentation"),
        ("a: @x\n", "a.yaml:1:4: while scanning for the next token (from line 1): found character that cannot start any token; put the value in quotes"),
    ])
    func `errors say where and how to mend`(text: String, message: String) throws { #expect(try failure(text).description == message) }

    @Test func `bytes that are no text are refused with their place`() throws {
        let error = try #require(throws: YAMLError.self) { try YAMLParser.documents(Array("a: 1\nb: ".utf8) + [0xFF], file: "a.yaml") }
        #expect(error.line == 2 && error.column == 4)
        #expect(throws: YAMLError.self) { try YAMLParser.documents(Array("a: ".utf8) + [0]) }
    }

    @Test(
        .timeLimit(.minutes(1)),
        arguments: [
            String(repeating: "[", count: 100_000), String(repeating: "{a: ", count: 100_000), String(repeating: "- ", count: 100_000),
            String(repeating: "? ", count: 100_000),
            (0..<3000).map { String(repeating: " ", count: $0) + "a:" }.joined(separator: "\n"),
        ])
    func `deep texts are refused at once`(text: String) throws {
        let error = try failure(text)
        let isKey = text.hasPrefix("?")
        #expect(error.problem == (isKey ? "a key must be a text, not a list or a mapping" : "nested deeper than 200 levels"))
    }

    @Test func `alias bombs are refused at once`() throws {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n"
        for level in 1..<10 { text += "a\(level): &a\(level) [" + repeatElement("*a\(level - 1)", count: 10).joined(separator: ", ") + "]\n" }
        let error = try failure(text)
        #expect(error.problem == "the aliases stand for more than 100000 values")
    }
}
