import Testing

@testable import LogParsing

@Suite struct MultilineTests {
    /// The groups into which lines fall, each as the number of its lines.
    private func groups(_ lines: [String], _ rule: MultilineRule = .auto) -> [Int] {
        var state = MultilineState(rule)
        var groups: [Int] = []
        var perhaps = 0
        for line in lines {
            switch state.decide(Array(line.utf8)[...]) {
            case .alone, .begins:
                groups += Array(repeating: 1, count: perhaps + 1)
                perhaps = 0
            case .continues:
                groups[groups.count - 1] += perhaps + 1
                perhaps = 0
            case .perhaps: perhaps += 1
            }
        }
        return groups + Array(repeating: 1, count: perhaps)
    }

    @Test(
        arguments: [
            // Java, with a logger's own beginning, a cause, frames left out and a suppressed one.
            (
                [
                    "2026-11-24 ERROR c.x.Y: java.lang.IllegalStateException: broken", "\tat c.x.Y.run(Y.java:12)", "\tat c.x.Z.main(Z.java:3)",
                    "Caused by: java.io.IOException: gone", "\tat c.x.IO.read(IO.java:9)", "\t... 2 more", "\tSuppressed: java.lang.Exception: x",
                    "\t\tat c.x.S.s(S.java:1)",
                    "next",
                ], [8, 1]
            ),
            (["java.lang.Error: x", "", "\tat a.b(C.java:1)", "other"], [3, 1]),
            (["java.lang.Error: x", "", "other"], [1, 1, 1]),
            (
                [
                    "x: org.a.BException; nested exception is: ", "java.rmi.UnmarshalException: y; nested exception is:",
                    "\tjava.lang.Error: nested exception is:", "\tat a.b(C.java:1)",
                ], [1, 3]
            ),
            // .NET.
            (
                [
                    "System.InvalidOperationException: x", " ---> System.ArgumentException: y", "   at A.B() in /a.cs:line 1",
                    "   --- End of inner exception stack trace ---",
                    "   at A.C()", "info: fine",
                ], [5, 1]
            ),
            // JavaScript.
            (["TypeError: x is not a function", "    at f (/a.js:1:2)", "    at eval (eval at g (/a.js:3:4), <anonymous>:1:1)", "done"], [3, 1]),
            // Python, with carets, a chained trace, and one that does not go on.
            (
                [
                    "Traceback (most recent call last):", #"  File "a.py", line 1, in <module>"#, "    f()", "    ~^^",
                    "  [Previous line repeated 3 more times]", "KeyError: 'a'", "",
                    "During handling of the above exception, another exception occurred:", "", "Traceback (most recent call last):",
                    #"  File "a.py", line 3, in g"#, "a.b.Oops: y", "next",
                ], [12, 1]
            ),
            (["Traceback (most recent call last):", #"  File "a.py", line 1"#, "    f()", "KeyError: 'a'", "", "next"], [4, 1, 1]),
            (["Traceback (most recent call last):", "next line"], [1, 1]),
            // Go.
            (
                [
                    "panic: runtime error: index out of range [recovered]", "\tpanic: again", "[signal SIGSEGV: segmentation violation]", "",
                    "goroutine 1 [running]:", "main.f(0x1, {0x2, 0x3})",
                    "\t/a/main.go:12 +0x1d", "created by main.main in goroutine 1", "\t/a/main.go:3", "", "goroutine 7 [select]:",
                    "net/http.(*T).roundTrip(0xc0)", "\t/b.go:1", "exit status 2",
                ], [13, 1]
            ),
            (["2026/11/24 08:48:41 http: panic serving 10.0.0.1:1: boom", "goroutine 7 [running]:", "net/http.f()", "\t/b.go:1", "2026/11/24 next"], [4, 1]),
            (["don't panic: it is fine", "next"], [1, 1]),
            // Ruby.
            (["/a.rb:12:in `f': boom (RuntimeError)", "\tfrom /a.rb:20:in `g'", "\tfrom /a.rb:30:in `<main>'", "next"], [3, 1]),
            // What does not belong together.
            (["a", "  indented", "b"], [1, 1, 1]),
            (["Error", "at home"], [1, 1]),
            (["java.lang.Error: a", "java.lang.Error: b", "\tat c.d(E.java:1)"], [1, 2]),
        ] as [([String], [Int])])
    func `joins stack traces and nothing else`(lines: [String], expected: [Int]) { #expect(groups(lines) == expected) }

    @Test func `joins by indent, by stamp and by an expression`() throws {
        #expect(groups(["a", " b", "\tc", "d"], .indented) == [3, 1])
        #expect(groups(["  a", "b"], .indented) == [1, 1])
        #expect(groups(["2026-11-24 08:48:41 a", "b", "2026-11-24 08:48:42 c"], .stamped) == [2, 1])
        #expect(groups(["== a", "b", "== c"], try MultilineRule("/^==/")) == [2, 1])
        #expect(groups(["java.lang.Error: x", "\tat y"], .none) == [1, 1])
    }

    @Test func `reads a rule as an annotation writes it`() throws {
        #expect(try MultilineRule("auto") == .auto)
        #expect(try MultilineRule("java, python") == .stacks([.java, .python]))
        #expect(try MultilineRule("none") == .none)
        for text in ["", "cobol", "/(/"] { #expect(throws: (any Error).self) { try MultilineRule(text) } }
    }
}
