/// What goes wrong while a graph runs.
public enum RuntimeError: Error, Sendable, Hashable, CustomStringConvertible {
  /// A fed value does not fit the graph: which, and why.
  case badInput(String)
  /// A number that is no number or infinite: where, and the row of the batch.
  case notFinite(place: String, row: Int?)
  /// A policy names a site or path that the model does not have.
  case unknownSite(String)
  case missingParameter(String)
  case cancelled

  public var description: String {
    switch self {
    case .badInput(let message): message
    case .notFinite(let place, let row):
      "\(place) is NaN or infinite" + (row.map { " at row \($0) of the batch" } ?? "")
    case .unknownSite(let name): name
    case .missingParameter(let name): "parameter \(name) has no value"
    case .cancelled: "cancelled"
    }
  }
}
