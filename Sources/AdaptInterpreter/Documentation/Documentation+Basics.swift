// What `adapt doc` says of functions of numbers, lists and strings.

extension Interpreter {
  /// Functions of any value, and starts of parameters.
  static let basicDocumentation = [
    "len": """
    The number of elements of a list or range, characters of a string, or fields of a record.
    ```
    print len("abc")
    ```
    """,
    "string": """
    The text that print shows of a value.
    ```
    print string(16) + " heads"
    ```
    """,
    "int": """
    The integer that a whole number or a string stands for. Anything else is E0202: floor and
    round make others whole.
    ```
    print int("12") + int(3.0)
    ```
    """,
    "number": """
    The number that an integer or a string stands for, in double precision.
    ```
    print number("1e-3")
    ```
    """,
    "fail": """
    Ends the script with E0205 and the message.
    ```
    fn headWidth(heads) { if heads > 0 { 64 / heads } else { fail("no heads") } }
    print headWidth(4)
    ```
    """,
    "assert": """
    Ends the script with E0205 and the message unless the condition is true.
    ```
    let heads = 4
    assert(64 mod heads == 0, "heads must divide the width")
    ```
    """,
    "type": """
    The kind of a value as a string: "integer", "list", "layer".
    ```
    print type(1.5)
    ```
    """,
    "normal": """
    A start for parameters: Gaussian around 0 with the given standard deviation, from the
    model's seed and the parameter's name.
    ```
    layer Scale(): x [.., d] -> [.., d] {
      param gain: [d] = normal(0.02)
      x * gain
    }
    ```
    """,
  ]

  /// Functions of numbers.
  static let mathDocumentation = [
    "exp": """
    e to the power of x. Of a number, or element by element of a tensor.
    ```
    print exp(1)
    ```
    """,
    "log": """
    The natural logarithm of x; -infinity of 0, NaN below. Of a number, or element by element of
    a tensor.
    ```
    print log(2)
    ```
    """,
    "sqrt": """
    The square root of x; NaN below 0. Of a number, or element by element of a tensor.
    ```
    print sqrt(2)
    ```
    """,
    "tanh": """
    The hyperbolic tangent of x, between -1 and 1. Of a number, or element by element of a
    tensor.
    ```
    print tanh(1)
    ```
    """,
    "sigmoid": """
    1 / (1 + exp(-x)), between 0 and 1. Of a number, or element by element of a tensor.
    ```
    print sigmoid(0)
    ```
    """,
    "relu": """
    max(0, x). Of a number, or element by element of a tensor.
    ```
    print relu(-2)
    ```
    """,
    "gelu": """
    x times the Gaussian distribution function of x (Hendrycks & Gimpel 2016). Of a number, or
    element by element of a tensor.
    ```
    print gelu(1)
    ```
    """,
    "silu": """
    x · sigmoid(x), also called swish (Elfwing et al. 2017). Of a number, or element by element
    of a tensor.
    ```
    print silu(1)
    ```
    """,
    "square": """
    x times x. Of a number, or element by element of a tensor.
    ```
    print square(3)
    ```
    """,
    "abs": """
    x without its sign. Of a number, or element by element of a tensor.
    ```
    print abs(-3)
    ```
    """,
    "sign": """
    -1, 0 or 1. Its gradient is 0 everywhere. Of a number, or element by element of a tensor.
    ```
    print sign(-3)
    ```
    """,
    "floor": """
    The largest integer that is not above x. E0202 when it does not fit into 64 bits.
    ```
    print floor(2.7)
    ```
    """,
    "ceil": """
    The smallest integer that is not below x. E0202 when it does not fit into 64 bits.
    ```
    print ceil(2.1)
    ```
    """,
    "round": """
    The nearest integer, or the nearest number of so many digits (0 to 15) behind the point.
    Halves go away from zero.
    ```
    print round(2.5), round(3.14159, digits: 2)
    ```
    """,
    "min": """
    The smallest of its arguments, or of the elements of a list. Tensors are compared element by
    element.
    ```
    print min(3, 1, 2), min([3, 1, 2])
    ```
    """,
    "max": """
    The largest of its arguments, or of the elements of a list. Tensors are compared element by
    element.
    ```
    print max(3, 1, 2), max([3, 1, 2])
    ```
    """,
    "sum": """
    The sum of a list; of a tensor over all its rows, or along an axis: `last`, or the name of
    its rows.
    ```
    print sum([1, 2, 3])
    ```
    """,
    "mean": """
    The mean of a list; of a tensor over all its rows, or along an axis: `last`, or the name of
    its rows. The mean of no values is E0202.
    ```
    print mean([1, 2, 3])
    ```
    """,
  ]

  /// Functions of lists.
  static let listDocumentation = [
    "map": """
    A list of what the function makes of each element.
    ```
    print map([1, 2, 3], { x in 2 * x })
    ```
    """,
    "filter": """
    A list of the elements for which the function gives true.
    ```
    print filter([1, 2, 3], { x in x > 1 })
    ```
    """,
    "reduce": """
    One value of all elements: the function joins what there is so far, at first `from`, and the
    next.
    ```
    print reduce([1, 2, 3], 0, { total, x in total + x })
    ```
    """,
    "append": """
    A new list with the value behind the elements. The list itself stays as it is.
    ```
    print [1, 2].append(3)
    ```
    """,
    "reversed": """
    The elements from the last to the first.
    ```
    print [1, 2, 3].reversed()
    ```
    """,
    "sorted": """
    The elements in ascending order, of themselves or of what the function `by` makes of them.
    Equal ones keep their order.
    ```
    print sorted(["bb", "a"], by: { word in word.count })
    ```
    """,
    "zip": """
    Pairs of the elements at the same place of two lists, as many as the shorter one has.
    ```
    print zip([1, 2], ["a", "b"])
    ```
    """,
    "enumerated": """
    Pairs of each element's index, from 0, and the element.
    ```
    print ["a", "b"].enumerated()
    ```
    """,
    "contains": """
    Whether an element equals the value.
    ```
    print [1, 2, 3].contains(2)
    ```
    """,
    "joined": """
    The elements as one string, with the separator between them.
    ```
    print ["a", "b"].joined(", ")
    ```
    """,
  ]

  /// Methods of strings.
  static let stringDocumentation = [
    "split": """
    The parts of a string between the separators; an empty separator is E0202.
    ```
    print "a b c".split()
    ```
    """,
    "contains": """
    Whether the part stands somewhere in the string.
    ```
    print "route".contains("out")
    ```
    """,
    "startsWith": """
    Whether the string begins with the part.
    ```
    print "route".startsWith("ro")
    ```
    """,
    "endsWith": """
    Whether the string ends with the part.
    ```
    print "route".endsWith("te")
    ```
    """,
    "replaced": """
    The string with another one in place of every occurrence of the part, which must not be
    empty.
    ```
    print "a-b".replaced("-", by: "+")
    ```
    """,
    "trimmed": """
    The string without blanks and line ends at both ends.
    ```
    print " a ".trimmed()
    ```
    """,
    "uppercased": """
    The string in capital letters.
    ```
    print "big".uppercased()
    ```
    """,
    "bytes": """
    The bytes of a string in UTF-8, as a list of integers from 0 to 255.
    ```
    print "né".bytes()
    ```
    """,
    "lowercased": """
    The string in small letters.
    ```
    print "BIG".lowercased()
    ```
    """,
  ]
}
