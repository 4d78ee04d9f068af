import QuerySyntax
import Testing

@Suite struct StringLiteralTests {
    private func read(_ text: String) throws(SyntaxFault) -> (value: String, end: Int) {
        var position = 1
        let value = try StringLiteral.read(Array("=\(text)".utf8), at: &position)
        return (value, position)
    }

    @Test(arguments: [
        (#""""#, ""), (#""a\tb\\\"" rest"#, "a\tb\\\""), (#"'it\'s'"#, "it's"), (#"`a\n"b`"#, #"a\n"b"#), (#""\x41\u00e9\U0001F600\101""#, "Aé😀A"),
        ("`two\nlines`", "two\nlines"),
    ])
    func `reads Go's strings up to the closing quote`(text: String, value: String) throws {
        let found = try read(text)
        #expect(found.value == value)
        #expect(Array("=\(text)".utf8)[found.end - 1] == Array(text.utf8)[0])
    }

    @Test(arguments: [
        (#""abc"#, "the string is not closed"), ("\"a\nb\"", "the string is not closed"), (#""\q""#, #"unknown escape \q in a string"#),
        (#""\'""#, #"unknown escape \' in a string"#), (#""\x4""#, "two hexadecimal digits"), (#""\x+1""#, "two hexadecimal digits"),
        (#""\uD800""#, "4 hexadecimal digits of a Unicode scalar"), (#""\777""#, "three digits up to"), (#""\xff""#, "the string is not UTF-8"),
        (#""\"#, "unknown escape"),
    ])
    func `says what is wrong, within the text`(text: String, words: String) {
        #expect { try read(text) } throws: { error in
            guard let fault = error as? SyntaxFault else { return false }
            return fault.message.contains(words) && fault.position.upperBound <= text.utf8.count + 1 && !fault.position.isEmpty
        }
    }
}
