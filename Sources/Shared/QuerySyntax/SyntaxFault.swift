/// What is wrong with a query's text, and the bytes where it is.
public struct SyntaxFault: Error {
    public var message: String
    public var position: Range<Int>

    public init(message: String, position: Range<Int>) {
        self.message = message
        self.position = position
    }
}
