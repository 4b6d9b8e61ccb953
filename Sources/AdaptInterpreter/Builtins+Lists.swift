import AdaptPlatform
import AdaptSyntax

// Lists and strings. Each function can also stand behind its first argument: `list.map(f)`.

extension Interpreter {
  /// Those that can be called without a point.
  static var globalListFunctions: [NativeFunction] {
    let names: Set<String> = ["map", "filter", "reduce", "sorted", "zip", "reversed"]
    return listFunctions.filter { names.contains($0.name) }
  }

  static var listFunctions: [NativeFunction] {
    [
      NativeFunction("map", ["list", "with"]) { call in
        let function = try call.function(1)
        return try call.list(
          try call.elements(0).map {
            try call.interpreter.call(function, with: [$0], at: call.span)
          })
      },
      NativeFunction("filter", ["list", "where"]) { call in
        let function = try call.function(1)
        return try call.list(
          try call.elements(0).filter { element in
            let keep = try call.interpreter.call(function, with: [element], at: call.span)
            return try call.interpreter.truth(keep, at: call.span(1))
          })
      },
      NativeFunction("reduce", ["list", "from", "with"]) { call in
        let function = try call.function(2)
        return try call.elements(0).reduce(call[1]) {
          try call.interpreter.call(function, with: [$0, $1], at: call.span)
        }
      },
      NativeFunction("append", ["list", "value"]) { call in
        try call.list(try call.elements(0) + [call[1]])
      },
      NativeFunction("reversed", ["list"]) { call in try call.list(try call.elements(0).reversed())
      },
      NativeFunction("sorted", ["list", .optional("by")], sorted),
      NativeFunction("zip", ["list", "other"]) { call in
        let interpreter = call.interpreter
        return try call.list(
          try zip(try call.elements(0), try call.elements(1)).map {
            try interpreter.tick(call.span)
            return try interpreter.makeTuple([$0, $1], at: call.span)
          })
      },
      NativeFunction("enumerated", ["list"]) { call in
        let interpreter = call.interpreter
        return try call.list(
          try call.elements(0).enumerated().map {
            try interpreter.tick(call.span)
            return try interpreter.makeTuple([.int($0), $1], at: call.span)
          })
      },
      NativeFunction("contains", ["list", "value"]) { call in
        .bool(
          try call.elements(0).contains {
            try call.interpreter.equal($0, call[1], at: call.span)
          })
      },
      NativeFunction("joined", ["list", .optional("separator", .string(""))]) { call in
        let separator = try call.string(1)
        let parts = try call.elements(0).map { try call.interpreter.display($0, at: call.span) }
        let size = parts.reduce(parts.count * separator.utf8.count) { $0 + $1.utf8.count }
        try call.interpreter.checkSize(size, at: call.span)
        return .string(parts.joined(separator: separator))
      },
    ]
  }

  static var mapFunctions: [NativeFunction] {
    [
      NativeFunction("get", ["map", "key", .optional("default")]) { call in
        guard let (map, key) = try call.mapAndKey() else { return .unknown }
        return map[key] ?? call[2]
      },
      NativeFunction("contains", ["map", "key"]) { call in
        guard let (map, key) = try call.mapAndKey() else { return .unknown }
        return .bool(map[key] != nil)
      },
      NativeFunction("removing", ["map", "key"]) { call in
        guard case (var map, let key)? = try call.mapAndKey() else { return .unknown }
        map[key] = nil
        return .map(map)
      },
    ]
  }

  static var stringFunctions: [NativeFunction] {
    [
      NativeFunction("split", ["string", .optional("by", .string(" "))]) { call in
        let separator = try call.string(1)
        guard !separator.isEmpty else { throw call.wrongValue(1, "the separator is empty") }
        let parts = try call.split(try call.string(0), by: separator)
        return try call.list(parts.map { .string($0) })
      },
      NativeFunction("contains", ["string", "part"]) { call in
        let part = try call.string(1)
        let text = try call.string(0)
        return .bool(part.isEmpty || text.contains(part))
      },
      NativeFunction("startsWith", ["string", "part"]) { call in
        .bool(try call.string(0).hasPrefix(try call.string(1)))
      },
      NativeFunction("endsWith", ["string", "part"]) { call in
        .bool(try call.string(0).hasSuffix(try call.string(1)))
      },
      NativeFunction("replaced", ["string", "part", "by"]) { call in
        let (part, other) = (try call.string(1), try call.string(2))
        guard !part.isEmpty else { throw call.wrongValue(1, "the part to replace is empty") }
        let parts = try call.split(try call.string(0), by: part)
        let size = parts.reduce((parts.count - 1) * other.utf8.count) { $0 + $1.utf8.count }
        try call.interpreter.checkSize(size, at: call.span)
        return .string(parts.joined(separator: other))
      },
      NativeFunction("trimmed", ["string"]) { call in
        .string(try call.string(0).trimmed())
      },
      NativeFunction("uppercased", ["string"]) { .string(try $0.string(0).uppercased()) },
      NativeFunction("lowercased", ["string"]) { .string(try $0.string(0).lowercased()) },
      NativeFunction("bytes", ["string"]) { call in
        try call.list(try call.string(0).utf8.map { .int(Int($0)) })
      },
    ]
  }

  /// Ascending, by the values themselves or by what a function makes of them; equals keep their order.
  private static func sorted(_ call: Call) throws -> Value {
    let elements = try call.elements(0)
    var keys = elements
    if case .none = call[1] {
    } else {
      let function = try call.function(1)
      keys = try elements.map { try call.interpreter.call(function, with: [$0], at: call.span) }
    }
    // Compared in a merge sort of our own: the library's may not be given an order that throws and
    // must not be given one that contradicts itself.
    var order = Array(elements.indices)
    try mergeSort(&order) { a, b in
      try call.interpreter.tick(call.span)
      let before = try call.interpreter.binary(.less, keys[b], keys[a], at: call.span)
      if before.isUnknown { throw UnknownReached() }
      if case .bool(true) = before { return true }
      return false
    }
    return try call.list(order.map { elements[$0] })
  }

  /// Sorts stably; `isAfter(a, b)` says that b belongs before a.
  private static func mergeSort(_ order: inout [Int], _ isAfter: (Int, Int) throws -> Bool) throws {
    var width = 1
    while width < order.count {
      var merged: [Int] = []
      merged.reserveCapacity(order.count)
      for start in stride(from: 0, to: order.count, by: 2 * width) {
        var (left, right) = (start, min(start + width, order.count))
        let (middle, end) = (right, min(start + 2 * width, order.count))
        while left < middle || right < end {
          let takesRight =
            left >= middle ? true : right < end ? try isAfter(order[left], order[right]) : false
          merged.append(order[takesRight ? right : left])
          if takesRight { right += 1 } else { left += 1 }
        }
      }
      order = merged
      width *= 2
    }
  }
}

extension Call {
  /// The map and the key that a method of maps was given; nil when the key is not known yet.
  fileprivate func mapAndKey() throws -> (MapValue, MapKey)? {
    guard case .map(let map) = self[0] else { throw wrongType(0, expected: "a map") }
    return try interpreter.mapKey(self[1], at: span(1)).map { (map, $0) }
  }

  /// The parts of a text between the places where a separator stands, byte for byte.
  fileprivate func split(_ text: String, by separator: String) throws -> [String] {
    var text = text
    text.makeContiguousUTF8()
    let bytes = Array(text.utf8)
    let wanted = Array(separator.utf8)
    guard let first = wanted.first, bytes.count >= wanted.count else { return [text] }
    var parts: [String] = []
    var (start, place) = (0, 0)
    while place <= bytes.count - wanted.count {
      if place & 0xFFFF == 0 { try interpreter.checkTime(at: span) }
      guard bytes[place] == first, bytes[place..<place + wanted.count].elementsEqual(wanted) else {
        place += 1
        continue
      }
      try interpreter.tick(span)
      parts.append(String(decoding: bytes[start..<place], as: UTF8.self))
      place += wanted.count
      start = place
    }
    return parts + [String(decoding: bytes[start...], as: UTF8.self)]
  }

  /// The result of a function that gives a list.
  func list(_ elements: [Value]) throws -> Value {
    try interpreter.makeList(elements, at: span)
  }
}
