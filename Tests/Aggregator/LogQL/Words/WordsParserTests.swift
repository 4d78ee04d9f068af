import Testing

@testable import LogQL

@Suite struct WordsParserTests {
    @Test(arguments: [
        (
            #"error "card declined" pod:web* -debug level:warn+"#,
            #"{pod=~"web.*"} |=i "error" |= "card declined" !=i "debug" | detected_level=~"warn|error|fatal""#
        ),
        ("", "{}"),
        ("404", #"{} |=i "404""#),
        ("ns:shop,web container:app", #"{namespace=~"shop|web", container="app"}"#),
        (#"-pod:"a*b" node:n?"#, #"{pod!="a*b", node=~"n."}"#),
        ("refused OR timeout \"one two\" OR \"x\\\"y\"", #"{} |=i "refused" or "timeout" |= "one two" or `x"y`"#),
        (#"/5\d\d/ -/x+/"#, #"{} |~ `5\d\d` !~ "x+""#),
        ("level:error,fatal", #"{} | detected_level=~"error|fatal""#),
        ("-level:critical", #"{} | detected_level!="fatal""#),
        (
            "status>=500 took>1.5s user:ann",
            #"{} | json | logfmt | drop __error__, __error_details__ | status>=500 | took>1s500ms | user="ann""#
        ),
        ("a.b=7 12:30", #"{} |=i "12:30" | json | logfmt | drop __error__, __error_details__ | a_b="7""#),
    ]) func `plain words become the tree of LogQL`(words: String, query: String) throws {
        let tree = try LogExpression.parseWords(words)
        #expect(tree.description == query.replacing(#"`x"y`"#, with: #""x\"y""#))
        #expect(try LogExpression.parse(tree.description) == tree)
    }

    @Test(arguments: [
        ("http://x", "may be a text or a label with its value"), ("pod:", "a value is missing after \"pod:\""), ("level:wran", "did you mean \"warn\"?"),
        ("- x", "a minus stands before what must not be there"), ("a OR", "a word is missing after OR"), ("OR a", "OR stands between two words"),
        ("-a OR b", "a minus before OR is ambiguous"), ("a OR pod:x", "OR joins words only"), ("a OR \"b\"", "OR joins words with words"),
        ("fail*", "a star within a word"), ("/var/log/x", "may be a path or an expression"), ("NOT x", "is written as a minus"),
        ("\"a", "the quote is not closed"),
        ("/(/", "the regular expression is wrong"), ("-status>5", "a minus before a comparison is ambiguous"), ("x>y", "is no number, duration or size"),
        ("pod:a,,b", "a value is missing beside a comma"),
    ]) func `what is ambiguous or broken says so`(words: String, message: String) {
        let error = #expect(throws: LogQLError.self) { try LogExpression.parseWords(words) }
        #expect(error?.message.contains(message) == true, "\(error?.message ?? "")")
    }

    @Test(arguments: [("{a=\"b\"}", true), (" sum by (x) (rate({}[1m]))", true), ("rate limit hit", false), ("rate (x)", true), ("error", false), ("", false)])
    func `LogQL is told from plain words`(text: String, isLogQL: Bool) { #expect(LogExpression.isLogQL(text) == isLogQL) }
}
