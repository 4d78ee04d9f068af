import Terminal
import Testing

/// Editing as keys arrive, without a terminal.
@Suite struct LineEditingTests {
    private func editor(_ history: [String] = []) -> LineEditor {
        var known = LineHistory()
        for entry in history { known.add(entry) }
        return LineEditor(history: known) { QueryText.isOpen($0) }
    }

    /// The text with `|` at the cursor after the keys; what each key but the last came to is `.editing`.
    private func after(_ keys: String, _ editor: inout LineEditor) -> String {
        var reader = KeyReader()
        for key in reader.keys(keys.utf8) { _ = editor.press(key) }
        var characters = editor.characters
        characters.insert("|", at: editor.cursor)
        return String(characters)
    }

    @Test(arguments: [
        ("up", "up|"), ("up\u{7F}x", "ux|"), ("abc\u{1B}[D\u{1B}[DX", "aX|bc"), ("abc\u{01}X\u{05}Y", "XabcY|"), ("a\u{1B}[H\u{1B}[3~b", "b|"),
        ("rate(x)\u{1B}bY", "rate(Y|x)"), ("one two\u{17}", "one |"), ("one two\u{15}", "|"), ("one two\u{1B}[1;5D\u{0B}", "one |"),
        ("one two\u{17}\u{01}\u{19}", "two|one "), ("a\u{1B}\rb", "a\nb|"), ("sum(\ra", "sum(\na|"), ("ab\u{1B}[1;9Zc", "abc|"), ("é≥\u{7F}", "é|"),
        ("sum(\rabc\u{1B}[A\u{1B}[B!", "sum(\nabc!|"), ("sum(\rab\u{1B}[A!", "su!|m(\nab"), ("\u{02}\u{06}\u{04}x", "x|"),
    ])
    func `edits`(keys: String, text: String) {
        var editor = editor()
        #expect(after(keys, &editor) == text)
    }

    @Test func `keys that are cut wait for their rest`() {
        var reader = KeyReader()
        #expect(reader.keys([0x1B]).isEmpty && reader.isWaiting)
        #expect(reader.keys([0x5B]).isEmpty)
        #expect(reader.keys([0x41]) == [.up])
        #expect(reader.keys([0xC3]).isEmpty)
        #expect(reader.keys([0xA9]) == [.text("é")])
        #expect(reader.keys([0x1B]).isEmpty)
        #expect(reader.timeout() == [.escape] && !reader.isWaiting)
    }

    @Test func `enter ends a whole query, and control keys say what they are for`() {
        var editor = editor()
        for key in [Key.text("up")] { #expect(editor.press(key) == .editing) }
        #expect(editor.press(.enter) == .entered("up"))
        #expect(editor.text.isEmpty && editor.history.entries == ["up"])
        #expect(editor.press(.control("d")) == .ended)
        _ = editor.press(.text("x"))
        #expect(editor.press(.tab) == .wantsCompletion)
        #expect(editor.press(.control("l")) == .wantsClearScreen)
        #expect(editor.press(.control("c")) == .givenUp)
        #expect(editor.text.isEmpty)
    }

    @Test func `up and down go through the history and back to what was typed`() {
        var editor = editor(["first", "second"])
        #expect(after("dra\u{1B}[A", &editor) == "second|")
        #expect(after("\u{1B}[A\u{1B}[A", &editor) == "first|")
        #expect(after("\u{1B}[B\u{1B}[B", &editor) == "dra|")
        #expect(after("\u{1B}[B", &editor) == "dra|")
    }

    @Test func `control-R looks back for what is typed`() {
        var editor = editor(["rate(a[1m])", "up", "rate(b[1m])"])
        #expect(after("\u{12}rate", &editor) == "rate(b[1m])|")
        #expect(editor.search == "rate")
        #expect(after("\u{12}", &editor) == "rate(a[1m])|")
        #expect(after("\u{12}", &editor) == "rate(a[1m])|", "nothing older")
        #expect(editor.press(.enter) == .entered("rate(a[1m])"))
        #expect(after("\u{12}up\u{07}", &editor) == "|", "given up")
    }

    @Test func `the history is a file and has a bound`() {
        var history = LineHistory()
        #expect(history.add("a\nb\\n") && !history.add("a\nb\\n") && !history.add(""))
        #expect(history.file == "a\\nb\\\\n\n")
        #expect(LineHistory(file: history.file).entries == ["a\nb\\n"])
        for number in 0..<1500 { history.add("\(number)") }
        #expect(history.entries.count == LineHistory.limit && history.entries.first == "500")
    }

    @Test(arguments: [
        ("up", false), ("sum(", true), ("a{b=\"", true), ("a{b=\"(\"}", false), ("a +", true), ("a + b", false), ("a and", true), ("and", false),
        ("rate(x[5m", true), ("x # (", false), ("a{b='\\''}", false), ("\"`\"", false), ("`\\`", false), ("sum by (a)", false), ("a,", true),
    ])
    func `tells whether more is to come`(text: String, isOpen: Bool) { #expect(QueryText.isOpen(text) == isOpen) }

    @Test(arguments: [
        ("ra", QueryText.Wanted.name, "ra"), ("sum by (po", .label(metric: ""), "po"), ("sum(node_", .name, "node_"),
        ("up{", .label(metric: "up"), ""), ("up{job=\"a\",in", .label(metric: "up"), "in"), ("up{job=~\"ab", .value(label: "job", metric: "up"), "ab"),
        ("up{job=\"a\"} + down{x!=\"", .value(label: "x", metric: "down"), ""), ("rate(up[5", .nothing, "5"), ("label_replace(up, \"a", .nothing, "a"),
        ("up{job=", .nothing, ""), ("a * on (x) group_left (l", .label(metric: ""), "l"), ("a + 5", .nothing, "5"), ("{na", .label(metric: ""), "na"),
    ])
    func `knows what may stand at the cursor`(text: String, wanted: QueryText.Wanted, prefix: String) {
        let characters = Array(text)
        let place = QueryText.place(characters, cursor: characters.count)
        #expect(place.wanted == wanted)
        #expect(place.prefix == prefix)
        #expect(place.start == characters.count - prefix.count)
    }

    @Test func `completes what the candidates have in common, and lists them`() {
        let completion = Completion("node_", among: ["node_cpu_seconds_total", "node_cpu_info", "node_cpu_info", "up"])
        #expect(completion.common == "node_cpu_" && completion.candidates == ["node_cpu_info", "node_cpu_seconds_total"])
        #expect(Completion("x", among: ["y"]) == Completion("x", among: [String]()))
        #expect(completion.list(width: 80) == "node_cpu_info           node_cpu_seconds_total\n")
        #expect(completion.list(width: 20, limit: 1) == "node_cpu_info\nand 1 more\n")
    }

    /// What a terminal of so many columns would show: only what the view writes is understood.
    private func screen(_ output: String, width: Int) -> (rows: [String], row: Int, column: Int) {
        var rows: [[Character]] = [[]]
        var row = 0, column = 0
        var rest = Array(output.unicodeScalars)[...]
        func reach() {
            while rows.count <= row { rows.append([]) }
            while rows[row].count < column { rows[row].append(" ") }
        }
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\r": column = 0
            case "\n": row += 1
            case "\u{1B}":
                rest = rest.dropFirst()
                let digits = rest.prefix { $0.properties.numericType != nil }
                rest = rest.dropFirst(digits.count)
                let count = Int(String(String.UnicodeScalarView(digits))) ?? 1
                switch rest.popFirst() {
                case "A": row -= count
                case "C": column += count
                case "J":
                    reach()
                    rows = Array(rows[...row])
                    rows[row] = Array(rows[row].prefix(column))
                default: break
                }
            default:
                if column == width { (row, column) = (row + 1, 0) }
                reach()
                if column < rows[row].count { rows[row][column] = Character(scalar) } else { rows[row].append(Character(scalar)) }
                column += 1
            }
        }
        return (rows.map { String($0) }, row, column)
    }

    @Test func `draws over what it drew, in several rows`() {
        var editor = editor()
        var view = EditorView()
        var output = ""
        for keys in ["sum(", "\r", "abcdef", "\u{1B}[D\u{1B}[D", "X", "ghijk"] {
            _ = after(keys, &editor)
            output += view.draw(editor, prompt: "q> ", width: 10)
        }
        let (rows, row, column) = screen(output, width: 10)
        #expect(rows == ["q> sum(", ".. abcdXgh", "ijkef"])
        #expect(row == 2 && column == 3)
        _ = after("\u{15}", &editor)
        output += view.draw(editor, prompt: "q> ", width: 10)
        #expect(screen(output, width: 10).rows == ["q> sum(", ".. ef"])
    }
}
