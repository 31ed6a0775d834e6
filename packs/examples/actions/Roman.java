/** Writes a number as the Romans did. */
public class Roman {
    private static final int[] VALUES = {1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1};
    private static final String[] SIGNS = {"M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"};

    public static void main(String[] arguments) {
        int number = Integer.parseInt(System.getenv("ATTUNE_PARAM_NUMBER"));
        StringBuilder roman = new StringBuilder();
        int rest = number;
        for (int place = 0; place < VALUES.length; place++) {
            for (; rest >= VALUES[place]; rest -= VALUES[place]) {
                roman.append(SIGNS[place]);
            }
        }
        System.out.printf("{\"number\": %d, \"roman\": \"%s\"}%n", number, roman);
    }
}
