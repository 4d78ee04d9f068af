import TestKit
import JSON
import Testing
import YAML

@Suite struct YAMLPrinterTests {
    @Test func `looks like kubectl's`() {
        let value: JSON = [
            "kind": "Pod", "metadata": ["name": "web", "annotations": [:], "labels": ["on": "yes", "n": "1"]],
            "spec": [
                "containers": [["name": "c", "args": ["-c", "a: b", "# no", ""], "env": []]], "nested": [[1, 2], [[:]]], "port": 80, "ip": "10.0.0.1",
            ],
            "script": "line 1\n  line 2\n", "open": "x\ny", "none": nil,
        ]
        #expect(
            YAMLPrinter.text(value) == """
                kind: Pod
                metadata:
                  name: web
                  annotations: {}
                  labels:
                    "on": "yes"
                    "n": "1"
                spec:
                  containers:
                  - name: c
                    args:
                    - "-c"
                    - "a: b"
                    - "# no"
                    - ""
                    env: []
                  nested:
                  - - 1
                    - 2
                  - - {}
                  port: 80
                  ip: 10.0.0.1
                script: |
                  line 1
                    line 2
                open: |-
                  x
                  y
                none: null

                """)
    }

    @Test func `reads back what it writes`() throws {
        let seed = UInt64.random(in: 0 ... .max)
        var generator = SeededGenerator(seed: seed)
        for _ in 0..<3000 {
            let value = Self.random(depth: 0, &generator)
            let text = YAMLPrinter.text(value)
            let read = try YAMLParser.documents(Array(text.utf8))
            // A bare null is an empty document only when nothing is written.
            #expect(read == [value], "seed \(seed): \(text)")
        }
    }

    @Test func `documents are separated`() {
        #expect(YAMLPrinter.text(documents: [["a": 1], ["b": 2]]) == "a: 1\n---\nb: 2\n")
    }

    private static let pieces = [
        "a", "b c", ":", ": ", " #", "#", "-", "- ", "\n", "\n\n", "\t", "\"", "'", "\\", "1", "0", "e", ".", "true", "no", "~", "null", "é", "日本", "\u{85}",
        "\u{2028}",
        "😀", "{", "}", "[", "]", ",", "&", "*", "!", "|", ">", "%", "@", "`", " ", "=", "<<", "\u{7F}", "\u{1}", "\r", "\u{FEFF}", "_", "+", "x", "2026-11-24",
        "12:30",
    ]

    private static func text(_ generator: inout SeededGenerator) -> String {
        (0..<Int.random(in: 0...4, using: &generator)).map { _ in pieces.randomElement(using: &generator)! }.joined()
    }

    private static func random(depth: Int, _ generator: inout SeededGenerator) -> JSON {
        switch Int.random(in: 0..<(depth > 3 ? 6 : 9), using: &generator) {
        case 0: return .null
        case 1: return .bool(.random(using: &generator))
        case 2: return .integer(.random(in: -1_000_000...1_000_000, using: &generator))
        case 3: return .number(Double.random(in: -1e9...1e9, using: &generator))
        case 4, 5: return .string(text(&generator))
        case 6: return .array((0..<Int.random(in: 0...3, using: &generator)).map { _ in random(depth: depth + 1, &generator) })
        default: return .object((0..<Int.random(in: 0...3, using: &generator)).map { _ in (text(&generator), random(depth: depth + 1, &generator)) })
        }
    }
}
