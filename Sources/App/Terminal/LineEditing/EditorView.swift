/// How an edited text stands on a terminal: drawn anew on each change, from the row where it began.
public struct EditorView: Sendable {
    /// The row of the cursor, counted from the first of the text.
    private var row = 0

    public init() {}

    /// The bytes that show the text in place of what was shown before. `prompt` is before its first line, as many dots before the others.
    public mutating func draw(_ editor: LineEditor, prompt: String, width: Int) -> String {
        let prompt = editor.search.map { "(search \"\($0)\") " } ?? prompt
        var output = back + "\u{1B}[J"
        var place = (row: 0, column: 0)
        var cursor = place
        func put(_ text: String, _ columns: Int) {
            if place.column + columns > width { place = (place.row + 1, 0) }
            output += text
            place.column += columns
        }
        put(prompt, TerminalText.width(prompt))
        let indent = String(repeating: ".", count: max(1, TerminalText.width(prompt) - 1)) + " "
        for (index, character) in editor.characters.enumerated() {
            if index == editor.cursor { cursor = place }
            if character == "\n" {
                output += "\r\n"
                place = (place.row + 1, 0)
                put(indent, TerminalText.width(indent))
            } else {
                put(TerminalText.escaped(String(character)), TerminalText.width(TerminalText.escaped(String(character))))
            }
        }
        if editor.cursor == editor.characters.count { cursor = place }
        // Behind a full row a terminal waits with the wrap; a cursor there stands at the next row's start.
        if place.column == width { output += " \r" }
        if place.column == width { place = (place.row + 1, 0) }
        if cursor.column == width { cursor = (cursor.row + 1, 0) }
        if place.row > cursor.row { output += "\u{1B}[\(place.row - cursor.row)A" }
        output += "\r" + (cursor.column > 0 ? "\u{1B}[\(cursor.column)C" : "")
        row = cursor.row
        return output
    }

    /// Leaves the text as it is, the cursor below it.
    public mutating func leave(_ editor: LineEditor, prompt: String, width: Int) -> String {
        var atEnd = editor
        while atEnd.cursor < atEnd.characters.count { _ = atEnd.press(.right) }
        let text = draw(atEnd, prompt: prompt, width: width)
        row = 0
        return text + "\r\n"
    }

    /// Forgets what was drawn: something else has been written since.
    public mutating func forget() { row = 0 }

    private var back: String { "\r" + (row > 0 ? "\u{1B}[\(row)A" : "") }
}
